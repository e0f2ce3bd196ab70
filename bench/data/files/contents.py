"""Contents: what tells one state of a data set's files from another, whatever their path.

Of folders: the names of the classes, names and sizes of their images, and what is in a sample of them, or in all where
they are few. What a file holds is remembered by its path, size and time of change, so that it is read once.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

DIGITS = 16
"""Hexadecimal digits of a digest."""
SAMPLE = 256
"""Images whose content counts, of each data set, evenly over all."""
_REMEMBERED = 20_000


def digest_of_files(files: Iterable[tuple[str, str]]) -> str:
    """The digest of a data set whose files lie at these (name within it, path)."""
    found = hashlib.sha256()
    listed = list(files)
    with _Memory() as memory:
        step = max(1, len(listed) // SAMPLE)
        for number, (name, path) in enumerate(listed):
            content = memory.digest(path) if number % step == 0 else ""
            found.update(f"{name}\0{os.stat(path).st_size}\0{content}\n".encode("utf-8", "surrogateescape"))
    return found.hexdigest()[:DIGITS]


def have_checksums(checksums: Iterable[tuple[Path, str]]) -> bool:
    """Whether each file has the MD5 that its publisher gives."""
    with _Memory() as memory:
        return all(memory.digest(str(path), "md5") == checksum for path, checksum in checksums)


class _Memory:
    """Digests of files, kept for the next process; forgotten where they can't be."""

    def __init__(self) -> None:
        self._file = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "sambench" / "files.json"
        self._new = False
        self._held: dict[str, Any] = {}

    def __enter__(self) -> _Memory:
        with suppress(OSError, ValueError):
            held = json.loads(self._file.read_bytes())
            self._held = held if isinstance(held, dict) else {}
        return self

    def __exit__(self, *_: object) -> None:
        if not self._new:
            return
        # Nothing but time is lost without it.
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            kept = dict(list(self._held.items())[-_REMEMBERED:])
            descriptor, temporary = tempfile.mkstemp(prefix=".tmp-", dir=self._file.parent)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(kept, file)
            os.replace(temporary, self._file)

    def digest(self, path: str, algorithm: str = "sha256") -> str:
        """The digest of what is in a file."""
        state = os.stat(path)
        key, stamp = f"{algorithm}:{os.path.abspath(path)}", [state.st_size, state.st_mtime_ns]
        held = self._held.get(key)
        if isinstance(held, list) and held[:2] == stamp:
            return str(held[2])
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, algorithm).hexdigest()
        self._held[key] = [*stamp, found]
        self._new = True
        return found


def named(folder: str, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Files with their names below `folder`."""
    return ((os.path.relpath(path, folder), path) for path in paths)
