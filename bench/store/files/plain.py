"""Plain: reads only regular files of the store, never links or pipes.

A store may come from a stranger. A link in it could put any file that its reader may read into a report or a merged
store, and a pipe would let the reader wait for ever.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from functools import lru_cache
from io import BufferedReader
from pathlib import Path

NOT_FOLLOWED = "is a link, which isn't followed"
NO_FILE = "is no plain file"
_AT_ONCE = 1 << 16
_log = logging.getLogger(__name__)


class Denied(str):
    """Why an undamaged file can't be read: it is somebody else's."""

    __slots__ = ()


class NotPlain(OSError, ValueError):
    """What should be a file or folder of the store is a link, or something else that isn't read: so it is damaged."""

    def __str__(self) -> str:
        return str(self.strerror)


def reason(error: Exception) -> str:
    """Why a file can't be read; Denied where only the permission is missing."""
    if isinstance(error, PermissionError):
        return Denied("its owner doesn't let you read it")
    return str(getattr(error, "strerror", None) or error or type(error).__name__).splitlines()[0]


def is_damage(reason: str) -> bool:
    """Whether this is wrong with the file, and not with the permission to read it."""
    return not isinstance(reason, Denied)


def status(path: str | Path) -> os.stat_result:
    """What `stat` says of a plain file; NotPlain if it is anything else."""
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise NotPlain(errno.ELOOP, NOT_FOLLOWED if stat.S_ISLNK(found.st_mode) else NO_FILE, str(path))
    return found


def names(folder: str | Path, *, odd: bool = False) -> set[str]:
    """Names of the plain files and folders in `folder`; none where it isn't there. Others are logged once.

    With `odd` they are included, for callers that find out by reading.

    NotPlain if the folder itself is a link.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return set()
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise NotPlain(
                error.errno, NOT_FOLLOWED if os.path.islink(folder) else "is no folder", str(folder)
            ) from None
        raise
    try:
        with os.scandir(descriptor) as entries:
            return {entry.name for entry in entries if odd or _is_plain(folder, entry)}
    finally:
        os.close(descriptor)


def open_file(path: str | Path) -> BufferedReader:
    """A plain file, to be read; NotPlain if it is anything else."""
    return os.fdopen(_opened(path), "rb")


def read(path: str | Path) -> bytes:
    """All of a plain file."""
    descriptor, parts = _opened(path), []
    try:
        # Not by a file object, which takes as long as the rest: there may be tens of thousands.
        while part := os.read(descriptor, _AT_ONCE):
            parts.append(part)
    finally:
        os.close(descriptor)
    return b"".join(parts)


def _opened(path: str | Path) -> int:
    try:
        # Not to wait: opening a pipe would.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotPlain(error.errno, NOT_FOLLOWED, str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotPlain(errno.EINVAL, NO_FILE, str(path))
    return descriptor


def _is_plain(folder: str | Path, entry: os.DirEntry[str]) -> bool:
    if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False):
        return True
    _warn(f"{folder}/{entry.name}", entry.is_symlink())
    return False


@lru_cache(maxsize=1024)
def _warn(path: str, link: bool) -> None:
    # Cached, so that each is told of once, however many tables are read.
    _log.warning("%s: %s; left out", path, NOT_FOLLOWED if link else NO_FILE)
