"""Staging: a folder is written next to its target, flushed, and renamed in one step, or vanishes."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.store import files
from bench.store.files import temporary

_NOT_THERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
_EXCHANGE = 2
_HERE = -100


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A new folder that is gone at the end, or once somebody comes here after its process was killed."""
    parent.mkdir(parents=True, exist_ok=True)
    temporary.sweep(parent)
    new = parent / temporary.new_name()
    new.mkdir(mode=0o700)
    try:
        yield new
    finally:
        shutil.rmtree(new, ignore_errors=True)


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A new folder that takes the place of `path` at the end, whatever is there; on an error nothing changes."""
    with temporary_folder(path.parent) as new:
        yield new
        _finish(new)
        _put(new, path)
        files.flush_folder(path.parent)


def _put(new: Path, path: Path) -> None:
    try:
        os.rename(new, path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        _exchange(new, path)


def _exchange(one: Path, other: Path) -> None:
    """Let two folders swap their names; where the file system can't at once, in two steps."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if libc.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0:
        return
    if (number := ctypes.get_errno()) not in _NOT_THERE:
        raise OSError(number, os.strerror(number), str(other))
    replace_in_two_steps(one, other)


def replace_in_two_steps(one: Path, other: Path) -> None:
    """Let two folders swap their names; of a process that is killed amid it, the old one is left beside, whole."""
    aside = other.with_name(f"{other.name}.replaced-{os.getpid()}")
    os.rename(other, aside)
    try:
        os.rename(one, other)
    except OSError:
        os.rename(aside, other)
        raise
    os.rename(aside, one)


def _finish(root: Path) -> None:
    """Let all that is in a folder survive a power cut, and be read by whom a new file of this user may be."""
    for folder, _, names in os.walk(root):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                os.fchmod(file.fileno(), 0o666 & ~files.UMASK)
                os.fsync(file.fileno())
        os.chmod(folder, 0o777 & ~files.UMASK)
        files.flush_folder(Path(folder))
