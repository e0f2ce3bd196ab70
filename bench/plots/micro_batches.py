"""Metric over m, the samples per ascent step, as in the paper's Fig. 4 (right); a line per batch size and scope."""

from __future__ import annotations

from bench.plots.drawing import Drawing, curve, grouped
from bench.trial import Trial


def draw(drawing: Drawing) -> None:
    """One panel per model."""
    chosen = drawing.at_chosen_rho(drawing.points)
    panels = grouped(chosen, lambda point: drawing.column(point.trial, leave_out=("m", "batch_size")))
    several = len({point.trial.batch_size for point in chosen}) > 1

    def batch(trial: Trial) -> str:
        return f", batch {trial.batch_size}" if several else ""

    axes = drawing.panels(len(panels))
    for panel, (title, points) in zip(axes, panels.items(), strict=False):
        lines = grouped(points, lambda p: drawing.method(p.trial) + batch(p.trial))
        for name, line in lines.items():
            values = {m: [p.value for p in group] for m, group in grouped(line, lambda p: p.trial.m).items()}
            curve(panel, drawing, values, name)
        sizes = sorted({point.trial.m for point in points})
        panel.set_xscale("log", base=2)
        panel.set_xticks(sizes, [str(m) for m in sizes], fontsize=8)
        panel.minorticks_off()
        panel.set_title(title, fontsize=9)
        panel.set_xlabel("m, samples per ascent step")
        panel.grid(alpha=0.25, linewidth=0.5)
    drawing.label_rows(axes)
