"""Console: what commands print tables and messages with; separate because rich is slow to import."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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


def is_too_wide(content: RenderableType) -> bool:
    """Whether the window can't hold the content even with a line for each word."""
    return out.is_terminal and Measurement.get(_WIDE, _WIDE.options, content).minimum > out.width
