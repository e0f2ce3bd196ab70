"""Workspace: a folder in the store for unfinished files, marked with its owner process.

Its name and `.work-X/owner`, which is touched as long as the process lives, say which that is. The folder is removed at
the end; that of a process that was killed, by the next one that works on the store, once its owner is provably gone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.store import files
from bench.store.claims.lease import touching
from bench.store.claims.process import describe_holder, is_there
from bench.store.files import plain, seal, temporary
from bench.store.store import Store

_KIND, _OWNER = "work", "owner"


@contextmanager
def workspace(store: Store, purpose: str) -> Iterator[Path]:
    """A new folder on the store's file system, gone at the end with all that is in it."""
    remove_left(store)
    folder = store.root / temporary.new_name(_KIND)
    folder.mkdir(mode=0o700)
    files.create(folder / _OWNER, seal.sealed_json(describe_holder(purpose)))
    try:
        with touching(folder / _OWNER):
            yield folder
    finally:
        _remove(folder)


def remove_left(store: Store) -> None:
    """Remove the workspaces, and the temporary files beside them, of processes that are gone."""
    for folder in left(store):
        _remove(folder)
    temporary.sweep(store.root, store.now)


def left(store: Store) -> list[Path]:
    """The workspaces of processes that are gone."""
    there = sorted(name for name in plain.names(store.root) if name.startswith(f".{_KIND}-"))
    return [store.root / name for name in there if _is_left(store, store.root / name)]


def _is_left(store: Store, folder: Path) -> bool:
    try:
        holder = seal.read_json(plain.read(folder / _OWNER))
        there = is_there(holder)
        silent = store.now() - (folder / _OWNER).stat().st_mtime
    except (OSError, ValueError, KeyError, TypeError):
        # The mark is missing or not readable.
        return temporary.is_left(folder.name, lambda: store.now() - folder.lstat().st_mtime)
    return silent > temporary.SILENCE if there is None else not there


def _remove(folder: Path) -> None:
    """The mark goes last: if this is stopped, what is left is still known to be superfluous."""
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            if entry.name != _OWNER:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    os.unlink(entry.path)
        # Missing if the owner was killed early, or another process removes the same folder.
        (folder / _OWNER).unlink(missing_ok=True)
        os.rmdir(folder)
