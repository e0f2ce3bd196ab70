"""Lines of a plot: means with their spread, and lines across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from bench.board.statistics import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.plots.drawing import Drawing

# Okabe and Ito's colours, distinct for the colour-blind, with markers for print in grey.
STYLES = (
    ("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"), ("#E69F00", "v"), ("#56B4E9", "P"),
    ("#444444", "X"),
)  # fmt: skip


def style_of(place: int) -> tuple[str, str]:
    """Colour and marker of a line: when colours repeat, markers differ."""
    color, _ = STYLES[place % len(STYLES)]
    _, marker = STYLES[(place + place // len(STYLES)) % len(STYLES)]
    return color, marker


def curve(axes: Axes, drawing: Drawing, values: Mapping[float, Sequence[float]], name: str) -> None:
    """Means over x with a band of the board's spread."""
    color, marker = drawing.style(name)
    summaries = {place: drawing.summary(values[place]) for place in sorted(values)}
    line(axes, drawing, summaries, color=color, marker=marker, label=name)


def line(
    axes: Axes,
    drawing: Drawing,
    summaries: Mapping[float, Summary],
    *,
    color: str,
    marker: str,
    label: str,
    style: str = "-",
) -> None:
    """Means with a band of the board's spread; of a single place, which has no band, a bar."""
    places = list(summaries)
    mean = [each.mean for each in summaries.values()]
    below, above = drawing.errors([*summaries.values()])
    axes.plot(places, mean, style, color=color, marker=marker, markersize=4, linewidth=1.4, label=label)
    if len(places) == 1:
        axes.errorbar(places, mean, yerr=[below, above], color=color, capsize=2, linewidth=1)
    low = [each - part for each, part in zip(mean, below, strict=True)]
    high = [each + part for each, part in zip(mean, above, strict=True)]
    axes.fill_between(places, low, high, color=color, alpha=0.2, linewidth=0)


def markers(axes: Axes, drawing: Drawing, places: Sequence[float], summaries: Sequence[Summary], name: str) -> None:
    """A marker for each mean, with a bar of the board's spread."""
    color, marker = drawing.style(name)
    axes.errorbar(
        places, [each.mean for each in summaries], yerr=drawing.errors(summaries), color=color, marker=marker,
        markersize=6, linestyle="none", capsize=2, linewidth=1, label=name,
    )  # fmt: skip


def finish(axes: Axes, title: str, label: str = "", *, grid: Literal["both", "x", "y"] = "both") -> None:
    """Title, label of the x axis, and a faint grid."""
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(label)
    axes.grid(axis=grid, alpha=0.25, linewidth=0.5)


def across(axes: Axes, drawing: Drawing, values: Sequence[float], name: str) -> None:
    """A horizontal line, for a method that doesn't depend on the x axis."""
    color, _ = drawing.style(name)
    axes.axhline(drawing.summary(values).mean, color=color, linestyle="--", linewidth=1.2, label=name)
