"""Terminal: what the commands print results and messages with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

from rich.console import Console, RenderableType
from rich.measure import Measurement

out = Console()
err = Console(stderr=True)
_WIDE = Console(width=10_000)


def show(content: RenderableType) -> None:
    """Print tables as wide as the window, or, where the output goes to a file or a pager, as wide as they are."""
    if out.is_terminal:
        out.print(content)
    else:
        needed = Measurement.get(_WIDE, _WIDE.options, content).maximum
        Console(width=max(out.width, needed)).print(content)


def emit(text: str, output: Path | None) -> None:
    """Write `text` to a file in one step, or print it where no file is named; UserError if it can't be written."""
    if output is None:
        sys.stdout.write(text)
        return
    from bench.store import files

    files.put(output, text.encode())
    tell(f"wrote {output}")


def tell(message: str) -> None:
    """A line for people, on the error stream, so that results can be piped."""
    err.print(message, highlight=False, markup=False, soft_wrap=True)


def fail(message: str) -> NoReturn:
    """End with exit code 2 and one message: the input was bad."""
    err.print(message, style="red", highlight=False, markup=False, soft_wrap=True)
    sys.exit(2)
