"""Metric over the rate of dropout on norm layers, as in the paper's Fig. 11 (left); others are lines across."""

from __future__ import annotations

from bench.plots.drawing import Drawing, PlottedTrial, grouped
from bench.plots.lines import across, curve, finish

_FIELDS = ("norm_dropout", "norm_dropout_on")


def draw(drawing: Drawing) -> None:
    """One panel per model; UserError if no method has several rates."""

    def panel_of(point: PlottedTrial) -> str:
        return drawing.column(point.trial, leave_out=_FIELDS)

    def line_of(point: PlottedTrial) -> str:
        return _label(drawing, point)

    found = grouped(drawing.at_chosen_rho(drawing.points), panel_of)
    panels = {title: grouped(points, line_of) for title, points in found.items()}
    drawing.need_several(
        "the rate of dropout",
        ({p.trial.norm_dropout for p in line} for lines in panels.values() for line in lines.values()),
    )
    axes = drawing.panels(len(panels))
    for panel, (title, lines) in zip(axes, panels.items(), strict=False):
        for name, line in lines.items():
            drawing.note_rho(name, line)
            if not line[0].trial.norm_dropout:
                across(panel, drawing, [p.value for p in line], name)
                continue
            rates = grouped(line, lambda p: p.trial.norm_dropout)
            curve(panel, drawing, {rate: [p.value for p in group] for rate, group in rates.items()}, name)
        finish(panel, title, "rate of dropout")
    drawing.label_rows(axes)


def _label(drawing: Drawing, point: PlottedTrial) -> str:
    trial = point.trial
    dropped = {"parameters": "γ and β", "output": "their output"}[trial.norm_dropout_on]
    return drawing.method(trial, _FIELDS) + (f", dropout on {dropped}" if trial.norm_dropout else "")
