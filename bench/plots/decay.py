"""Metric by where weight decay applies, as in the paper's Fig. 11 (right); a marker for each method."""

from __future__ import annotations

from bench.plots.drawing import Drawing, PlottedTrial, grouped
from bench.plots.lines import finish, markers

_FIELD = "weight_decay_on"
_APART = 0.12
"""Between the markers of one place."""


def draw(drawing: Drawing) -> None:
    """One panel per model; each method at its chosen ρ."""
    chosen = drawing.at_chosen_rho(drawing.points)
    panels = grouped(chosen, lambda p: drawing.column(p.trial, leave_out=(_FIELD,)))
    places = list(dict.fromkeys(trial.weight_decay_on for trial in drawing.sweep.trials))
    names = list(dict.fromkeys(drawing.method(p.trial, (_FIELD,)) for p in chosen))
    drawing.need_several("weight_decay_on", [{_decayed(p) for p in chosen}])
    axes = drawing.panels(len(panels))
    for panel, (title, points) in zip(axes, panels.items(), strict=False):
        for name, group in grouped(points, lambda p: drawing.method(p.trial, (_FIELD,))).items():
            found = {of: drawing.summary([p.value for p in some]) for of, some in grouped(group, _decayed).items()}
            shift = _APART * (names.index(name) - (len(names) - 1) / 2)
            drawing.note_rho(name, group)
            markers(panel, drawing, [places.index(of) + shift for of in found], [*found.values()], name)
        panel.set_xticks(range(len(places)), places)
        panel.set_xlim(-0.5, len(places) - 0.5)
        finish(panel, title, "parameters that decay", grid="y")
    drawing.label_rows(axes)


def _decayed(point: PlottedTrial) -> str:
    return point.trial.weight_decay_on
