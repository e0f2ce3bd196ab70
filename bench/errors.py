"""The base of errors that a user can mend; a module apart, so that the command can catch them and stay light."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """What is wrong and the way out, complete as a message; the command ends with exit code 2."""


def unknown(what: str, name: object, valid: Iterable[str]) -> str:
    """The message for a name that isn't one of `valid`."""
    valid = list(valid)
    close = difflib.get_close_matches(str(name), valid, n=1)
    meant = f"; did you mean {close[0]}" if close else ""
    return f"unknown {what} {name!r}{meant}; valid: {', '.join(valid)}"
