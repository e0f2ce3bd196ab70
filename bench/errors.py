"""Errors that a user can fix, and errors of the machine; in a module of their own, to keep the command light."""

from __future__ import annotations

import difflib
import errno
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_SHOWN = 80
"""Characters of a bad value that a message repeats."""
_FEW = 12
"""Valid names that a message lists; of more it names the nearest."""
_ALIKE = 0.75
"""Share of letters, in their order, that two names have in common if one is a misspelling of the other."""
_WORD = 3
"""Letters of a name that another may hold, or differ from in one."""
_SIGNS = re.compile(r"[-_ .]+")
"""Between the words of a name."""
_LISTS = {
    "model": "list models", "measure": "list measures", "variant": "list variants", "scope": "list scopes",
    "augment": "list augmentations", "optimizer": "list optimizers", "dataset": "list data", "data set": "list data",
    "recipe": "list recipes", "sweep": "sweeps", "field": "schema trials",
}  # fmt: skip
"""What a name is of → the command that lists all such names."""


class UserError(Exception):
    """What is wrong and the way out, complete as a message; the command ends with exit code 2."""


class MachineFault(UserError):
    """What the machine or a file system failed at: it says nothing about the trial, which goes on later."""


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_AWAY = (errno.EIO, errno.EROFS, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.EREMOTEIO, errno.ENOTCONN)
_TOO_MANY = (errno.EMFILE, errno.ENFILE)
_MACHINES = frozenset((*_FULL, *_AWAY, *_TOO_MANY))
_WORDS = (*(os.strerror(number) for number in (*_FULL, *_AWAY)), "No usable temporary directory")
"""As libraries write them that raise other exceptions."""


def machine_fault(error: BaseException, store: Path | None = None) -> str:
    """What the machine failed at, if it is at fault for an error; empty if it isn't.

    In the store nothing but the machine can fail a trial, since trials have no say in what is written there. Out of
    memory isn't among the faults: it is for the trial to need less.
    """
    for each in _chain(error):
        if isinstance(each, MachineFault):
            return str(each)
        if isinstance(each, OSError) and (each.errno in _MACHINES or _is_in(each.filename, store)):
            where = f"{each.filename}: " if each.filename else ""
            return f"{where}{each.strerror}"
        if any(words in str(each) for words in _WORDS):
            return str(each).strip().splitlines()[0]
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    # An error that was raised again may be among its own causes.
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_in(name: object, store: Path | None) -> bool:
    return store is not None and isinstance(name, str | os.PathLike) and Path(name).is_relative_to(store)


def unknown(what: str, name: object, valid: Iterable[str]) -> str:
    """The message for a name that isn't one of `valid`, with all of them, or the nearest and what lists them."""
    valid = list(valid)
    message = f"unknown {what} {shown(name)}"
    if len(valid) <= _FEW:
        one = nearest(name, valid)
        return f"{message}{f'; did you mean {one}' if one else ''}; valid: {', '.join(valid)}"
    if what in _LISTS:
        return f"{message}{meant(name, valid)}; `sambench {_LISTS[what]}` lists them"
    return f"{message}{meant(name, valid)}; valid: {', '.join(valid[:_FEW])} and {len(valid) - _FEW} more"


def meant(name: object, valid: Iterable[str]) -> str:
    """`; did you mean a, b or c`, with the nearest three; empty where none is near."""
    close = near(name, valid)
    return f"; did you mean {' or '.join(filter(None, [', '.join(close[:-1]), close[-1]]))}" if close else ""


def nearest(name: object, valid: Iterable[str]) -> str | None:
    """The one of `valid` that `name` is probably a misspelling of."""
    return next(iter(near(name, valid, 1)), None)


def near(name: object, valid: Iterable[str], count: int = 3) -> list[str]:
    """Those of `valid` that may be meant, the likeliest first: none that merely shares a few letters."""
    text = str(name)
    if len(text) > _SHOWN:
        return []
    likely = [(likeness, each) for each in dict.fromkeys(valid) if (likeness := _likeness(text, each)) > 0]
    # Beside one in another case nothing else is meant.
    likely = [each for each in likely if each[0] == 1] or likely
    return [each for _, each in sorted(likely, reverse=True)[:count]]


def _likeness(text: str, name: str) -> float:
    """How likely a name is meant by a text, from 0 to 1, whatever the case and the signs between words."""
    if name == _initials(text) or text == _initials(name):
        return 1
    one, other = (_SIGNS.sub("", each).casefold() for each in (name, text))
    ratio = difflib.SequenceMatcher(None, one, other).ratio()
    long_enough = min(len(one), len(other)) >= _WORD
    return ratio if ratio >= _ALIKE or (long_enough and (other in one or _is_one_slip(one, other))) else 0


def _initials(name: str) -> str:
    """`lr` of learning_rate; empty for a single word."""
    words = _SIGNS.split(name.casefold())
    return "".join(word[:1] for word in words) if len(words) > 1 else ""


def _is_one_slip(one: str, other: str) -> bool:
    """Whether one letter is another, or two neighbours changed places."""
    if len(one) != len(other):
        return False
    places = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    swapped = len(places) == 2 and places[1] == places[0] + 1 and sorted(one) == sorted(other)
    return len(places) == 1 or swapped


def shown(value: Any) -> str:
    """A bad value as a message repeats it: long ones are cut."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its class where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def counted(number: int, noun: str, one: str = "", many: str = "") -> str:
    """As people say it, with a verb that fits: `1 trial is`, `2 trials are`."""
    verb = one if number == 1 else many
    plural = "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{'' if number == 1 else plural}{verb and f' {verb}'}"
