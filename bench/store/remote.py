"""Remote: files at addresses such as s3://BUCKET/FOLDER and hf://datasets/USER/NAME, by pyarrow's file systems.

S3 is pyarrow's own, and the Hugging Face Hub is huggingface_hub's, which timm brings along: neither needs an extra.
Whatever goes wrong on the network, a command ends with one sentence, and does so within seconds.
"""

from __future__ import annotations

import copy
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.errors import UserError

HUB = "hf"
SILENCE = 30.0
"""Seconds without an answer after which the Hub is given up."""

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.DOTALL)
_ON_HUB = re.compile(r"hf://(?:(?:datasets|spaces)/)?(?!(?:datasets|spaces)/)[\w.-]+/[\w.-]+(?:@[^/]+)?(?:/.*)?")
_AWS = re.compile(r"AWS Error (\w+)(?: \(HTTP.*\))? during \w+ operation: (?:.* Details: )?(.*?)(?: \(Request ID.*)?$")
_REFUSED = ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH")
_CREDENTIALS = "credentials are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or ~/.aws/credentials"
_SAID = 300
"""Characters of a server's answer that a message repeats."""


def address_of(place: str | os.PathLike[str]) -> str | None:
    """The address in a text, or in a path, which drops one of its slashes; None if it is a plain path."""
    found = _ADDRESS.fullmatch(os.fspath(place))
    if found is None:
        return None
    return f"{found[1]}://{'/' if found[1] == 'file' else ''}{found[2]}"


def filesystem(address: str, *, example: str = "FOLDER") -> tuple[Any, str]:
    """The file system of an address, and the place there; `example` names what may lie in a bucket."""
    if address.startswith(f"{HUB}://"):
        return _hub(address)
    # Here and below, because most commands are about folders.
    import pyarrow as pa
    from pyarrow import fs

    try:
        found, place = fs.FileSystem.from_uri(address)
    except OSError as error:
        raise UserError(f"{address}: can't be reached: {reason(error)}") from error
    except pa.ArrowException as error:
        raise UserError(f"{address}: {error}; write s3://, hf://, gs://, hdfs:// or file://") from error
    if found.type_name == "s3" and "/" not in place.rstrip("/"):
        raise UserError(f"{address}: names a bucket alone: write s3://BUCKET/{example}")
    # A copy is made by pyarrow's constructor, whose defaults give up on a silent server after three tries, within
    # seconds; the original retries for minutes.
    return copy.copy(found), place.rstrip("/")


def is_object_store(filesystem: Any) -> bool:
    """Whether files become visible there only once they are complete."""
    return filesystem.type_name in ("s3", "gcs") or filesystem.type_name.startswith("py::")


@contextmanager
def told(what: str) -> Iterator[None]:
    """UserError, in one line that begins with `what`, for all that goes wrong at an address."""
    try:
        yield
    except _faults() as error:
        raise UserError(f"{what}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Why, in one line, and for S3 what to do about it."""
    said = " ".join(str(error).split()) or type(error).__name__
    found = _AWS.search(said)
    if found is None:
        return "nothing is there" if isinstance(error, FileNotFoundError) else said[:_SAID]
    return f"{found[1]}: {found[2].rstrip('.')}" + (f"; {_CREDENTIALS}" if found[1] in _REFUSED else "")


def _hub(address: str) -> tuple[Any, str]:
    """The Hugging Face Hub, asked anew each time."""
    if _ON_HUB.fullmatch(address) is None:
        raise UserError(
            f"{address}: names no repository: write hf://datasets/USER/NAME or hf://datasets/USER/NAME/FOLDER"
        )
    try:
        from huggingface_hub import HfFileSystem, get_session
    except ImportError as error:
        raise UserError(f"{address}: can't be reached: `pip install huggingface_hub` adds what that needs") from error
    from pyarrow import fs

    # Set on the session itself, which otherwise waits for ever in requests without a timeout of their own.
    get_session().timeout = SILENCE
    hub = HfFileSystem(skip_instance_cache=True)
    return fs.PyFileSystem(fs.FSSpecHandler(hub)), address.removeprefix(f"{HUB}://").rstrip("/")


def _faults() -> tuple[type[BaseException], ...]:
    """What file systems raise; the Hub's base class is that of the client that it has, and knows by itself."""
    import pyarrow as pa

    hub = sys.modules.get("huggingface_hub.errors")
    return (OSError, ValueError, NotImplementedError, pa.ArrowException, *(hub.HfHubHTTPError.__bases__ if hub else ()))
