"""Content: data sets and weights in files, named by their content. Each is read once."""

from __future__ import annotations

import errno
import hashlib
from functools import lru_cache
from pathlib import Path

from bench import data
from bench.errors import UserError
from bench.trial.content import CONTENT


@lru_cache
def data_with_content(name: str, root: Path) -> str:
    """See `bench.data.identified`."""
    # The root only tells apart what is remembered: another folder may hold another set of that name.
    return data.identified(name)


def weights_with_content(file: Path) -> str:
    """`FILE@sha256:DIGEST`; UserError if it can't be read."""
    try:
        file = file.expanduser().absolute()
        return f"{file}{CONTENT}{_digest(file)}"
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"weights {file}: {reason}; name a .safetensors or .pt file, or timm/NAME.TAG") from error


@lru_cache
def _digest(file: Path) -> str:
    if file.exists() and not file.is_file():
        raise OSError(errno.EINVAL, "Is no file")
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
