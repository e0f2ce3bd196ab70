"""Metric over sparsity, the share of entries that is not perturbed, as in the paper's Figs. 4 (left) and 8.

Methods without a sparsity of their own are lines across.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.plots.drawing import Drawing, PlottedTrial, curve, grouped

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(drawing: Drawing) -> None:
    """One panel per model; each method at its chosen ρ. UserError if no method has a sparsity."""
    if not any("sparsity" in dict(trial.settings) for trial in drawing.sweep.trials):
        raise UserError(f"plot of the sparsity: no method of {drawing.sweep.file} has one; choose another --kind")
    panels = grouped(drawing.at_chosen_rho(drawing.points), lambda point: drawing.column(point.trial))
    axes = drawing.panels(len(panels))
    for panel, (title, points) in zip(axes, panels.items(), strict=False):
        for name, line in grouped(points, lambda p: drawing.method(p.trial, leave_out="sparsity")).items():
            by_sparsity = grouped(line, lambda p: _sparsity(p))
            if None in by_sparsity:
                _across(panel, drawing, line, name)
                continue
            values = {s: [p.value for p in group] for s, group in by_sparsity.items()}
            curve(panel, drawing, values, name)
        panel.set_title(title, fontsize=9)
        panel.set_xlabel("sparsity: share not perturbed")
        panel.grid(alpha=0.25, linewidth=0.5)
    drawing.label_rows(axes)


def _sparsity(point: PlottedTrial) -> Any:
    value = dict(point.trial.settings).get("sparsity")
    return value if isinstance(value, int | float) else None


def _across(axes: Axes, drawing: Drawing, points: list[PlottedTrial], label: str) -> None:
    summary = drawing.summary([point.value for point in points])
    color, _ = drawing.style(label)
    axes.axhline(summary.mean, color=color, linestyle="--", linewidth=1.2, label=label)
