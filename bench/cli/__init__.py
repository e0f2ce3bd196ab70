"""The command `sambench`.

torch and ray take seconds to import, so each is imported by what needs it: `--help`, `plan`, `status`, `query`,
`board` and `logs` never do. Nor is anything else imported before a command needs it, for what is asked often is to be
answered at once.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import sys

from bench.cli import interrupts
from bench.cli.app import app
from bench.cli.packages import refuse_foreign
from bench.cli.render.terminal import Shown, fail
from bench.errors import UserError, machine_fault

__all__ = ["app", "main"]


_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
"""What a folder of somebody else's, or one that is mounted to be read, answers."""


def _working_folder_is_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def main() -> None:
    """Run the command; bad input ends with exit code 2 and one message, not a traceback."""
    interrupts.end_at_once()
    handler = logging.StreamHandler()
    handler.setFormatter(Shown("%(levelname)s: %(message)s"))
    for stream in (sys.stdout, sys.stderr):
        # What the device has no letter for is written as its number, rather than ending the command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    refuse_foreign()
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    try:
        app(prog_name="sambench")
    except UserError as error:
        fail(str(error))
    except BrokenPipeError:
        # `sambench query … | head` closes the pipe early, which is no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if _working_folder_is_gone():
            fail("the working directory is gone: it was deleted or renamed; change to an existing one")
        if error.errno in _REFUSED:
            where = f"{error.filename}: " if error.filename else ""
            fail(f"{where}not readable or not writable by you: {error.strerror}")
        fault = machine_fault(error)
        if not fault:
            raise
        fail(fault)
