"""Metric over m, the samples per ascent step, as in the paper's Fig. 4 (right); a line per batch size and scope."""

from __future__ import annotations

from bench.plots.drawing import Drawing, PlottedTrial, grouped
from bench.plots.lines import curve, finish

_FIELDS = ("m", "batch_size")


def draw(drawing: Drawing) -> None:
    """One panel per model; UserError if no line has several m."""
    chosen = drawing.at_chosen_rho(drawing.points)
    several = len({point.trial.batch_size for point in chosen}) > 1

    def panel_of(point: PlottedTrial) -> str:
        return drawing.column(point.trial, leave_out=_FIELDS)

    def line_of(point: PlottedTrial) -> str:
        return drawing.method(point.trial, _FIELDS) + (f", batch {point.trial.batch_size}" if several else "")

    panels = {title: grouped(points, line_of) for title, points in grouped(chosen, panel_of).items()}
    drawing.need_several("m", ({p.trial.m for p in line} for lines in panels.values() for line in lines.values()))
    axes = drawing.panels(len(panels))
    for panel, (title, lines) in zip(axes, panels.items(), strict=False):
        for name, line in lines.items():
            values = {m: [p.value for p in group] for m, group in grouped(line, lambda p: p.trial.m).items()}
            curve(panel, drawing, values, name)
            drawing.note_rho(name, line)
        sizes = sorted({point.trial.m for line in lines.values() for point in line})
        panel.set_xscale("log", base=2)
        panel.set_xticks(sizes, [str(m) for m in sizes], fontsize=8)
        panel.minorticks_off()
        finish(panel, title, "m, samples per ascent step")
    drawing.label_rows(axes)
