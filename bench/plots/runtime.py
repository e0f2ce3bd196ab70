"""Metric over time per epoch, relative to the base optimizer's, as in the paper's Fig. 3."""

from __future__ import annotations

from statistics import median

from bench.plots.drawing import Drawing, grouped
from bench.plots.lines import finish, markers


def draw(drawing: Drawing) -> None:
    """One panel per model; each method at its chosen ρ. Without a base optimizer, seconds."""
    timed = [point for point in drawing.at_chosen_rho(drawing.points) if point.seconds]
    panels = grouped(timed, lambda point: drawing.column(point.trial))
    axes = drawing.panels(len(panels))
    for panel, (title, points) in zip(axes, panels.items(), strict=False):
        methods = grouped(points, lambda p: drawing.method(p.trial))
        base = [point.seconds or 0.0 for group in methods.values() for point in group if not point.trial.perturbs]
        unit = median(base) if base else 1.0
        for name, group in methods.items():
            drawing.note_rho(name, group)
            summary = drawing.summary([point.value for point in group])
            times = [(point.seconds or 0.0) / unit for point in group]
            markers(panel, drawing, [median(times)], [summary], name)
        finish(panel, title, "time per epoch / base optimizer's" if base else "seconds per epoch")
    drawing.label_rows(axes)
