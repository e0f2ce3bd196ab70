"""Terminal: what the commands print results and messages with."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bench.escape import visible

if TYPE_CHECKING:
    from rich.console import RenderableType


class Shown(logging.Formatter):
    """Log lines of the command, shown in the same way."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def show(content: RenderableType) -> None:
    """Print tables as wide as the window, or, where the output goes to a file or a pager, as wide as they are."""
    from bench.cli.render import console

    console.show(content)


def emit(text: str, output: Path | None) -> None:
    """Write `text` to a file in one step, or print it where no file is named; UserError if it can't be written."""
    if output is None:
        write(text)
        return
    from bench.store import files

    files.put(output, text.encode())
    tell(f"wrote {output}")


def write(text: str) -> None:
    """Print text that programs read too: as it is where it goes to a file or program, shown on a terminal."""
    sys.stdout.write(visible(text) if sys.stdout.isatty() else text)


def tell(message: str) -> None:
    """A line for people, on the error stream, so that results can be piped."""
    from bench.cli.render.console import err

    err.print(message, soft_wrap=True)


def complain(message: str) -> None:
    """The same, of what is wrong."""
    from bench.cli.render.console import err

    err.print(message, style="red", soft_wrap=True)


def fail(message: str) -> NoReturn:
    """End with exit code 2 and one message: the input was bad."""
    complain(message)
    sys.exit(2)
