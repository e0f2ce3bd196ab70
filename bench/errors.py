"""The base of errors that a user can mend; a module apart, so that the command can catch them and stay light."""

from __future__ import annotations


class UserError(Exception):
    """What is wrong and the way out, complete as a message; the command ends with exit code 2."""
