"""Terminal: what the commands print results and messages with."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment

from bench.escape import visible


class Safe(Console):
    """A console that sends no control characters but its own, and takes no text for its markup."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


class Shown(logging.Formatter):
    """Log lines of the command, shown in the same way."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


out = Safe()
err = Safe(stderr=True)
_WIDE = Safe(width=10_000)


def show(content: RenderableType) -> None:
    """Print tables as wide as the window, or, where the output goes to a file or a pager, as wide as they are."""
    if out.is_terminal:
        out.print(content)
    else:
        needed = Measurement.get(_WIDE, _WIDE.options, content).maximum
        Safe(width=max(out.width, needed)).print(content)


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
    err.print(message, soft_wrap=True)


def fail(message: str) -> NoReturn:
    """End with exit code 2 and one message: the input was bad."""
    err.print(message, style="red", soft_wrap=True)
    sys.exit(2)
