"""Metric over sparsity, the share of entries that is not perturbed, as in the paper's Figs. 4 (left) and 8.

Methods without a sparsity of their own are lines across.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.errors import UserError
from bench.plots.drawing import Drawing, PlottedTrial, grouped
from bench.plots.lines import across, curve, finish


def draw(drawing: Drawing) -> None:
    """One panel per model; each method at its chosen ρ. UserError if no method has a sparsity."""
    if not any("sparsity" in dict(trial.settings) for trial in drawing.sweep.trials):
        raise UserError(f"plot of the sparsity: no method of {drawing.sweep.file} has one; choose another --kind")
    panels = grouped(drawing.at_chosen_rho(drawing.points), lambda point: drawing.column(point.trial))

    def line_of(point: PlottedTrial) -> str:
        return drawing.method(point.trial, leave_out=("sparsity",))

    lines = [line for points in panels.values() for line in grouped(points, line_of).values()]
    drawing.need_several("the sparsity", ({_sparsity(p) for p in line} - {None} for line in lines))
    axes = drawing.panels(len(panels))
    for panel, (title, points) in zip(axes, panels.items(), strict=False):
        swept: set[float] = set()
        for name, line in grouped(points, line_of).items():
            drawing.note_rho(name, line)
            by_sparsity = grouped(line, _sparsity)
            if None in by_sparsity:
                across(panel, drawing, [p.value for p in line], name)
                continue
            values = {1 - s: [p.value for p in group] for s, group in by_sparsity.items()}
            swept |= by_sparsity.keys()
            curve(panel, drawing, values, name)
        # By the share that is perturbed, or all that is sparse would stand in one place; the labels say the sparsity.
        panel.set_xscale("log")
        panel.invert_xaxis()
        ticks = _apart(sorted(swept))
        panel.set_xticks([1 - s for s in ticks], [f"{100 * s:g} %" for s in ticks], rotation=45, fontsize=8)
        panel.minorticks_off()
        finish(panel, title, "sparsity: share not perturbed")
    drawing.label_rows(axes)


def _sparsity(point: PlottedTrial) -> Any:
    value = dict(point.trial.settings).get("sparsity")
    return value if isinstance(value, int | float) else None


def _apart(sparsities: Sequence[float]) -> list[float]:
    """Those whose labels don't overlap, from the sparsest on."""
    kept: list[float] = []
    for sparsity in reversed(sparsities):
        if not kept or math.log10((1 - sparsity) / (1 - kept[-1])) > _LABEL:
            kept.append(sparsity)
    return kept


_LABEL = 0.08
"""Powers of ten that a label needs."""
