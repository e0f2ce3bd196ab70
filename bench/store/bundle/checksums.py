"""Checksums: a bundle's content as in SHA256SUMS, and whether it is unchanged.

A bundle may come from a stranger, over a network. Here is seen to it that nothing was lost, changed or added on the
way; that what is there is shown and never run, and leads nowhere else, is for how every store is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.store.damage import digest_at
from bench.store.files import plain, seal
from bench.store.folder import DAMAGED, STORED, StoreError

SUMS = "SHA256SUMS"
MARKER = "bundle.json"
"""The file that says that a folder is a bundle, and of what."""
BUNDLE_SCHEMA = 1
"""Version of what a bundle holds; one of a newer is refused."""
_OF_STORE = (*STORED, DAMAGED)
"""Folders in which a store would find files that nobody listed."""

_NAME = r"[^/\\\x00-\x1f\x7f]+"
_LINE = re.compile(rf"([0-9a-f]{{64}})  ({_NAME}(?:/{_NAME})*)")


def is_bundle(root: Path) -> bool:
    """Whether a folder says that it is a bundle."""
    return os.path.lexists(root / MARKER)


def written(digests: Mapping[str, str]) -> bytes:
    """File of the bundle → SHA-256, as the program sha256sum writes it."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode()


def parsed(data: bytes) -> dict[str, str]:
    """The same, read; ValueError if it isn't that, or names what lies elsewhere."""
    found: dict[str, str] = {}
    lines = data.decode("utf-8", errors="replace").removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None or not {".", ".."}.isdisjoint(match[2].split("/")):
            raise ValueError(f"line {number} is none of a digest and a file of the bundle")
        found[match[2]] = match[1]
    if MARKER not in found:
        raise ValueError(f"doesn't list {MARKER}")
    return found


def verify(root: Path) -> None:
    """StoreError unless the bundle is what was published."""
    fault = fault_of_bundle(root)
    if fault:
        raise StoreError(f"bundle {root}: {fault}: it isn't what was published; copy or fetch it again")
    schema = _schema(root)
    if schema > BUNDLE_SCHEMA:
        raise StoreError(f"bundle {root} has schema {schema}, this sambench knows up to {BUNDLE_SCHEMA}: upgrade it")


def fault_of_bundle(root: Path) -> str | None:
    """The first thing that is wrong with it."""
    try:
        listed = parsed(plain.read(root / SUMS))
    except (OSError, ValueError) as error:
        return f"{SUMS}: {'is missing' if isinstance(error, FileNotFoundError) else plain.reason(error)}"
    try:
        there = listed_in(root)
    except OSError as error:
        return f"{os.path.relpath(error.filename, root)}: {plain.reason(error)}"
    for name in sorted(there - listed.keys()):
        if name.partition("/")[0] in _OF_STORE:
            return f"{name}: isn't listed in {SUMS}"
    return next(filter(None, (_fault(root, name, digest) for name, digest in listed.items())), None)


def _fault(root: Path, name: str, digest: str) -> str | None:
    try:
        return None if digest_at(root / name) == digest else f"{name}: {seal.BROKEN}"
    except FileNotFoundError:
        return f"{name}: is missing"
    except OSError as error:
        return f"{name}: {plain.reason(error)}"


def listed_in(root: Path) -> set[str]:
    """The names of all files in a folder; NotPlain if there is a link or anything else among them."""
    return set(_files(root, root))


def _files(root: Path, folder: Path) -> Iterator[str]:
    for name in sorted(plain.names(folder, odd=True)):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            yield from _files(root, path)
        else:
            plain.status(path)
            yield path.relative_to(root).as_posix()


def _schema(root: Path) -> int:
    try:
        schema = seal.read_json(plain.read(root / MARKER)).get("bundle")
    except (OSError, ValueError) as error:
        raise StoreError(f"{root / MARKER}: can't be read: {plain.reason(error)}") from error
    if not isinstance(schema, int):
        raise StoreError(f"{root / MARKER}: says no schema")
    return schema
