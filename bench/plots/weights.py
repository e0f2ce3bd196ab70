"""Histograms of the weights by kind of layer, as in the paper's Figs. 5 and 9.

Counts are means over the seeds, so that methods with fewer finished seeds stand as high as others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bench.board.layouts.base import BASE_ROW
from bench.errors import UserError
from bench.measures.bins import edges
from bench.measures.names import Measure, parse
from bench.plots.drawing import Drawing, PlottedTrial, grouped
from bench.store.measured import Quantity, counts_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURE = "weight_histogram"
_BARS = 60
"""Bars that a panel has at most, over what any of its methods has."""
_LEAST = 0.25
"""Lower end of a logarithmic axis: below one weight in one of three seeds."""
_TITLES = {"gamma": "γ of norm layers", "beta": "β of norm layers", "conv": "convolutions", "linear": "linear layers"}


@dataclass(frozen=True)
class Bars:
    """Counts as they are drawn: of whole bins, few enough to see."""

    edges: list[float]
    heights: list[float]
    outside: float
    """Entries that lie in no bin: beyond the last, or on the logarithmic scale 0."""


def draw(drawing: Drawing) -> None:
    """A row of panels for each kind of layer, a panel for each variant; of one variant, all side by side."""
    points = drawing.at_chosen_rho(drawing.points)
    base = [point for point in points if not point.trial.perturbs]
    perturbing = [point for point in points if point.trial.perturbs] or points
    variants = grouped(perturbing, lambda p: (drawing.board.layout.row(p.trial), drawing.column(p.trial)))
    histograms = {histogram: _counts(drawing, points, histogram) for histogram in _histograms(drawing)}
    axes = _panels(drawing, len(histograms), len(variants))
    for row, (histogram, counts) in enumerate(histograms.items()):
        span = _span(list(counts.values()))
        for place, ((variant, column), group) in enumerate(variants.items()):
            panel = axes[row, place]
            shown = group + ([p for p in base if drawing.column(p.trial) == column] if group[0].trial.perturbs else [])
            _panel(panel, drawing, shown, histogram, counts, span)
            titled = f"{variant}\n{column}" if len(variants) > 1 else column
            panel.set_title(f"{_TITLES[str(histogram.arguments['layer'])]}\n{titled}", fontsize=9)
        axes[row, 0].set_ylabel("weights per bin")


def _histograms(drawing: Drawing) -> list[Measure]:
    """The histograms that the sweep measures; if the metric is one, that one alone."""
    names = (drawing.board.metric.name, *drawing.sweep.measures)
    found = [parse(name) for name in names if name.partition("[")[0] == MEASURE]
    if names[0].startswith(MEASURE):
        return found[:1]
    if not found:
        raise UserError(
            f"plot of the weights: {drawing.sweep.file} measures no {MEASURE}; add one to its measures, or name it: "
            f"--metric '{MEASURE}[layer=beta]'"
        )
    return found


def _counts(drawing: Drawing, points: Sequence[PlottedTrial], histogram: Measure) -> dict[str, list[int]]:
    """Trial → counts of the bins that there are; UserError if there are none, or of another version's bins alone."""
    quantity = Quantity(histogram.measure, histogram.stored)
    found = counts_of(drawing.stores, [point.trial.trial_id for point in points], quantity)
    bins = len(edges(str(histogram.arguments["scale"]))) + 1
    if fitting := {trial_id: counts for trial_id, counts in found.items() if len(counts) == bins}:
        return fitting
    raise UserError(
        f"plot of the weights: no trial of {drawing.sweep.name} has a {histogram.name}; take it by: "
        f"sambench measure {drawing.sweep.file} '{histogram.name}'"
    )


def _panels(drawing: Drawing, histograms: int, variants: int) -> Any:
    """Panels by histogram and variant; of a single variant, histograms are laid out side by side."""
    from matplotlib import pyplot as plt

    turned = variants == 1
    down, across = (1, histograms) if turned else (histograms, variants)
    size = (3.2 * across, 2.7 * down + 0.9)
    share: Literal["none", "row"] = "none" if turned else "row"
    drawing.figure, axes = plt.subplots(
        down, across, figsize=size, sharex=share, sharey=share, squeeze=False, layout="constrained"
    )  # fmt: skip
    return axes.T if turned else axes


def _panel(
    panel: Axes,
    drawing: Drawing,
    points: Sequence[PlottedTrial],
    histogram: Measure,
    counts: Mapping[str, Sequence[int]],
    span: tuple[int, int],
) -> None:
    scale = str(histogram.arguments["scale"])
    outside: dict[str, float] = {}
    for name, group in grouped(points, lambda p: p.trial.scope if p.trial.perturbs else BASE_ROW).items():
        known = [counts[p.trial.trial_id] for p in group if p.trial.trial_id in counts]
        if not known:
            continue
        drawing.counts.add(len(known))
        drawing.note_rho(name, group)
        color, _ = drawing.style(name)
        drawn = bars(known, scale, span)
        panel.stairs(drawn.heights, drawn.edges, color=color, fill=True, alpha=0.18)
        panel.stairs(drawn.heights, drawn.edges, color=color, linewidth=1.3, label=name)
        outside |= {name: drawn.outside} if drawn.outside else {}
    if scale == "log":
        panel.set_xscale("log")
        panel.set_yscale("log", nonpositive="clip")
        panel.set_ylim(bottom=_LEAST)
        # Whole powers of ten: between them labels would stand on one another.
        bounds = [math.log10(edges(scale)[place]) for place in span]
        panel.set_xlim(10 ** math.floor(bounds[0]), 10 ** math.ceil(bounds[1]))
    panel.set_xlabel("|w|" if scale == "log" else "w")
    panel.grid(alpha=0.25, linewidth=0.5)
    if outside:
        told = "\n".join(f"{name}: {count:,.0f} outside" for name, count in outside.items())
        panel.text(0.02, 0.98, told, va="top", fontsize=7, color="0.3", transform=panel.transAxes)


def bars(known: Sequence[Sequence[int]], scale: str, span: tuple[int, int]) -> Bars:
    """Mean counts of several trials over the bins from `span[0]` to before `span[1]`, some of them as one."""
    bounds = edges(scale)
    means = [sum(counts) / len(known) for counts in zip(*known, strict=True)]
    inside = means[1:-1]
    first, end = span
    joined = -(-(end - first) // _BARS)
    starts = range(first, end, joined)
    heights = [sum(inside[start : min(start + joined, len(inside))]) for start in starts]
    return Bars(
        [*(bounds[start] for start in starts), bounds[min(starts[-1] + joined, len(inside))]],
        heights,
        means[0] + means[-1],
    )


def _span(found: Sequence[Sequence[int]]) -> tuple[int, int]:
    """The bins from the first to the last that has a weight of any trial."""
    inside = zip(*(counts[1:-1] for counts in found), strict=True)
    taken = [place for place, several in enumerate(inside) if any(several)]
    return (taken[0], taken[-1] + 1) if taken else (0, len(found[0]) - 2)
