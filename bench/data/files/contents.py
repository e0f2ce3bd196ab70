"""Contents: what identifies the state of a data set's files, whatever their path.

Of folders: the names of the classes, names and sizes of their images, and what is in a sample of them, or in all where
they are few. What a file holds is remembered by its path, size and time of change, so that it is read once; and so is
what a tree holds, by the times at which its folders and the images of the sample changed, so that a million files
aren't listed by every command.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.cache import cache_folder

DIGITS = 16
"""Hexadecimal digits of a digest."""
SAMPLE = 256
"""Images whose content counts: at least so many of each data set, or all, spread evenly."""
_REMEMBERED = 20_000
"""Digests that are kept, the newest ones."""
_SETTLED = 2_000_000_000
"""Nanoseconds after which another change gives a folder another time, on every file system."""


def digest_of_files(files: Iterable[tuple[str, str]]) -> str:
    """The digest of a data set whose files lie at these (name within it, path)."""
    with _Memory() as memory:
        return _digest(list(files), memory)


def digest_of_tree(root: str, folders: Iterable[str], paths: Callable[[], Iterable[str]], *, afresh: bool) -> str:
    """The same of the files at `paths` below `root`, which lie in `folders` and no deeper.

    They are asked for only where it isn't remembered what these folders hold, or `afresh`. An image outside of the
    sample that is overwritten in place goes unnoticed until then.
    """
    changed = [(folder, os.stat(folder).st_mtime_ns) for folder in folders]
    with _Memory() as memory:
        held = None if afresh else memory.tree(root, changed)
        if held is not None:
            return held
        listed = list(named(root, paths()))
        found = _digest(listed, memory)
        memory.keep_tree(root, changed, [path for _, path in _sampled(listed)], found)
        return found


def _digest(listed: Sequence[tuple[str, str]], memory: _Memory) -> str:
    found, read = hashlib.sha256(), {path for _, path in _sampled(listed)}
    for name, path in listed:
        content = memory.digest(path) if path in read else ""
        found.update(f"{name}\0{os.stat(path).st_size}\0{content}\n".encode("utf-8", "surrogateescape"))
    return found.hexdigest()[:DIGITS]


def _sampled(listed: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    return listed[:: max(1, len(listed) // SAMPLE)]


def have_checksums(checksums: Iterable[tuple[Path, str]]) -> bool:
    """Whether each file has the MD5 that its publisher gives."""
    with _Memory() as memory:
        return all(memory.digest(str(path), "md5") == checksum for path, checksum in checksums)


class _Memory:
    """Digests of files, kept for the next process; forgotten where they can't be."""

    def __init__(self) -> None:
        self._file = cache_folder() / "files.json"
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

    def tree(self, root: str, changed: Sequence[tuple[str, int]]) -> str | None:
        """The digest of a tree whose folders last changed then, if it is remembered and its sample is as it was."""
        held = self._held.get(f"tree:{root}")
        if not isinstance(held, dict) or held.get("changed") != _stamp(changed):
            return None
        try:
            same = held["sample"] == _stamp(map(_state, held["paths"]))
        except (OSError, KeyError, TypeError):
            return None
        return str(held.get("digest")) if same else None

    def keep_tree(self, root: str, changed: Sequence[tuple[str, int]], sampled: list[str], digest: str) -> None:
        """Remember the digest of a tree, unless a folder changed just now, and may again within the same tick."""
        if time.time_ns() - max(when for _, when in changed) < _SETTLED:
            return
        held = {"changed": _stamp(changed), "sample": _stamp(map(_state, sampled)), "paths": sampled, "digest": digest}
        self._new = self._new or self._held.get(f"tree:{root}") != held
        self._held[f"tree:{root}"] = held


def _state(path: str) -> tuple[str, int, int]:
    state = os.stat(path)
    return path, state.st_size, state.st_mtime_ns


def _stamp(states: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(map(repr, states)).encode("utf-8", "surrogateescape")).hexdigest()


def named(folder: str, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Files below `folder` with their names there."""
    return ((path.removeprefix(f"{folder}{os.sep}"), path) for path in paths)
