"""Text: a file's content, or what is wrong with the file."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

from bench.errors import near
from bench.sweep.file.fault import Fault, SpecError

_LARGEST = 64 * 1024
"""Bytes; a sweep has a few thousand, and parsing this many takes a second."""
_NAMES = 10
"""Names that a message lists at most."""

_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""Byte-order marks, the longer first: one begins with another."""


def read_text(file: Path) -> str:
    """The file's text; SpecError if it is missing, unreadable or not text."""
    try:
        with open(file, "rb", opener=_opened_at_once) as content:
            if not stat.S_ISREG(os.fstat(content.fileno()).st_mode):
                raise _unreadable(file, "is no plain file; a run that goes on later reads it again")
            raw = content.read(_LARGEST + 1)
    except FileNotFoundError as error:
        raise _unreadable(file, no_such_file(file)) from error
    except IsADirectoryError as error:
        names = listed([each.name for each in yaml_files(file)])
        raise _unreadable(file, f"is a folder; name a file{f' in it: {names}' if names else ''}") from error
    except (OSError, ValueError) as error:
        raise _unreadable(file, f"can't be read: {getattr(error, 'strerror', None) or error}") from error
    if len(raw) > _LARGEST:
        raise _unreadable(file, f"is larger than {_LARGEST // 1024} KiB, which no sweep or profile needs")
    return _decoded(file, raw)


def _opened_at_once(path: str, flags: int) -> int:
    """Open without blocking, in case the path is a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def no_such_file(file: Path) -> str:
    """`no such file`, with the names in its folder that are nearest to its own, or that are there at all."""
    names = [each.name for each in yaml_files(file.parent)]
    if not names:
        return f"no such file, and no .yaml file in {file.parent}/"
    close = [f"{stem}.yaml" for stem in near(file.stem, [Path(name).stem for name in names])]
    return f"no such file; did you mean {' or '.join(close)}" if close else f"no such file; there are: {listed(names)}"


def listed(names: list[str]) -> str:
    """The first few names."""
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")


def yaml_files(folder: Path) -> list[Path]:
    """The files NAME.yaml of a folder, none where it can't be looked into."""
    try:
        return sorted(folder.glob("*.yaml"))
    except OSError:
        return []


def _decoded(file: Path, raw: bytes) -> str:
    for mark, name in _MARKS.items():
        if raw.startswith(mark):
            raise _unreadable(file, f"can't be read: {name}, not UTF-8; save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"can't be read: not UTF-8: byte 0x{raw[error.start]:02x}; save it as UTF-8"
        raise SpecError([Fault(str(file), line, column, "", message)]) from error


def _unreadable(file: Path, message: str) -> SpecError:
    return SpecError([Fault(str(file), 0, 0, "", message)])
