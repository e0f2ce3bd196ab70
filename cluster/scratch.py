"""Scratch: this user's temporary folders, which a later run removes if their process was killed.

They lie in one private folder per user, `/tmp/sambench-UID` or in $TMPDIR, which nobody else can enter. Each holds
the file `owner.json`, locked while its process lives. Only a folder whose lock can be had is removed: the system gives
a lock back when its process ends, however that is, so that it also tells of processes of other containers.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from bench.errors import UserError
from bench.store.claims.process import describe_holder

_MARKER = "owner.json"
_KIND = "scratch_of"
"""Key of the marker that has the owner's user id; the others are a claim's, for people."""
_ROOM = 40
"""Characters of a scratch folder's path: Ray puts up to 66 more before its sockets' names, which end at 107."""


class ScratchError(UserError):
    """No private folder can be made, with the reason and the way out."""


class Scratch:
    """A folder that only this user can enter, removed by `close` or, after a kill, by whoever comes next."""

    def __init__(self) -> None:
        parent = private_parent()
        remove_leftovers(parent)
        self.path = Path(tempfile.mkdtemp(prefix="", dir=parent))
        # Locked under another name, lest somebody take the lock first and the folder for one that was left.
        unlocked = self.path / f"{_MARKER}.new"
        self._marker = os.open(unlocked, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(self._marker, json.dumps(describe_holder("scratch") | {_KIND: os.getuid()}).encode())
        os.rename(unlocked, self.path / _MARKER)

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._marker)


def unwritable(folder: str | Path, size: int) -> str:
    """Why `size` bytes can't be written to a folder; empty if they can."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(size))
    except OSError as error:
        return f"{folder}: {error.strerror}"
    return ""


def private_parent() -> Path:
    """The folder that holds this user's scratch folders; ScratchError if somebody else could tamper with it."""
    path = _base() / _own_name()
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ScratchError(f"{path}: is not a private folder of this user (mode 700); remove it, or set TMPDIR")
    return path


def _own_name() -> str:
    return f"sambench-{os.getuid()}"


def _base() -> Path:
    """$TMPDIR if it is there and short enough, else /tmp."""
    base = Path(os.environ.get("TMPDIR") or "/tmp").absolute()
    # mkdtemp adds a name of 8 characters.
    fits = len(f"{base}/{_own_name()}/") + 8 <= _ROOM
    return base if fits and base.is_dir() else Path("/tmp")


def remove_leftovers(parent: Path) -> None:
    """Remove the scratch folders of processes that are gone; whatever isn't one stays."""
    for marker in parent.glob(f"*/{_MARKER}"):
        with suppress(OSError):
            descriptor = os.open(marker, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_ours(marker):
                    shutil.rmtree(marker.parent)
            finally:
                os.close(descriptor)


def _is_ours(marker: Path) -> bool:
    """Whether this module made the folder that the marker is in, for this user."""
    try:
        owner = json.loads(marker.read_bytes())
    except ValueError:
        return False
    return not marker.parent.is_symlink() and isinstance(owner, dict) and owner.get(_KIND) == os.getuid()
