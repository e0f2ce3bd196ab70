"""The base of errors that a user can mend; a module apart, so that the command can catch them and stay light."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

_SHOWN = 80
"""Characters of a bad value that a message repeats."""


class UserError(Exception):
    """What is wrong and the way out, complete as a message; the command ends with exit code 2."""


def unknown(what: str, name: object, valid: Iterable[str]) -> str:
    """The message for a name that isn't one of `valid`."""
    valid = list(valid)
    close = nearest(name, valid)
    meant = f"; did you mean {close}" if close else ""
    return f"unknown {what} {shown(name)}{meant}; valid: {', '.join(valid)}"


def nearest(name: object, valid: Iterable[str]) -> str | None:
    """The one of `valid` that `name` is probably a misspelling of."""
    text = str(name)
    close = difflib.get_close_matches(text, list(valid), n=1) if len(text) <= _SHOWN else []
    return close[0] if close else None


def shown(value: Any) -> str:
    """A bad value as a message repeats it: long ones are cut."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
