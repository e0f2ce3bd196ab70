"""Metric over the rate of dropout on norm layers, as in the paper's Fig. 11 (left); others are lines across."""

from __future__ import annotations

from bench.plots.drawing import Drawing, across, curve, grouped
from bench.trial import Trial

_FIELDS = ("norm_dropout", "norm_dropout_on")


def draw(drawing: Drawing) -> None:
    """One panel per model."""
    panels = grouped(drawing.at_chosen_rho(drawing.points), lambda p: drawing.column(p.trial, leave_out=_FIELDS))
    axes = drawing.panels(len(panels))
    for panel, (title, points) in zip(axes, panels.items(), strict=False):
        for name, line in grouped(points, lambda p: _label(drawing, p.trial)).items():
            if not line[0].trial.norm_dropout:
                across(panel, drawing, [p.value for p in line], name)
                continue
            rates = grouped(line, lambda p: p.trial.norm_dropout)
            curve(panel, drawing, {rate: [p.value for p in group] for rate, group in rates.items()}, name)
        panel.set_title(title, fontsize=9)
        panel.set_xlabel("rate of dropout")
        panel.grid(alpha=0.25, linewidth=0.5)
    drawing.label_rows(axes)


def _label(drawing: Drawing, trial: Trial) -> str:
    dropped = {"parameters": "γ and β", "output": "their output"}[trial.norm_dropout_on]
    return drawing.method(trial) + (f", dropout on {dropped}" if trial.norm_dropout else "")
