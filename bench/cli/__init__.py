"""The command `sambench`.

torch and ray take seconds to import, so each is imported by what needs it: `--help`, `plan`, `status`, `query`,
`board` and `logs` never do.
"""

from __future__ import annotations

import logging
import os
import sys

from bench.cli import data, listing, measuring, operating, plotting, reading, reporting, running, storing
from bench.cli.app import app
from bench.errors import UserError, machine_fault
from bench.terminal import fail

__all__ = [
    "app",
    "data",
    "listing",
    "main",
    "measuring",
    "operating",
    "plotting",
    "reading",
    "reporting",
    "running",
    "storing",
]


def main() -> None:
    """Run the command; bad input ends with exit code 2 and one message, not a traceback."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    try:
        app(prog_name="sambench")
    except UserError as error:
        fail(str(error))
    except BrokenPipeError:
        # `sambench query … | head` closes the pipe early, which is no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        fault = machine_fault(error)
        if not fault:
            raise
        fail(fault)
