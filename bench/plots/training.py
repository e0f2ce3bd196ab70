"""Training curves: loss at w and test accuracy over epochs, mean ± std over seeds; each method at its chosen ρ."""

from __future__ import annotations

from bench.plots.drawing import Drawing, column, curve, grouped, method
from bench.store import connect

COLUMNS = {"train_loss": "training loss", "test_accuracy": "test accuracy (%)"}


def draw(drawing: Drawing) -> None:
    """A row of two panels: loss, and accuracy; lines for every model and method."""
    from matplotlib.ticker import MaxNLocator

    panels = drawing.panels(len(COLUMNS), shared=False)
    found = history(drawing)
    several = len({column(point.trial) for point in drawing.points}) > 1
    lines = grouped(drawing.at_chosen_rho(drawing.points), lambda p: (column(p.trial), method(p.trial)))
    for place, ((title, name), points) in enumerate(lines.items()):
        chosen = [point.trial.trial_id for point in points]
        for panel, quantity in zip(panels, COLUMNS, strict=True):
            values: dict[float, list[float]] = {}
            for trial_id in chosen:
                for epoch, value in found.get((trial_id, quantity), []):
                    values.setdefault(epoch, []).append(value)
            if values:
                curve(panel, drawing, values, f"{title}: {name}" if several else name, place)
    for panel, label in zip(panels, COLUMNS.values(), strict=True):
        panel.set_ylabel(label)
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(alpha=0.25, linewidth=0.5)


def history(drawing: Drawing) -> dict[tuple[str, str], list[tuple[int, float]]]:
    ids = [point.trial.trial_id for point in drawing.points]
    rows = (
        connect(drawing.stores, ["history"])
        .execute(
            f"SELECT trial_id, epoch, {', '.join(COLUMNS)} FROM history WHERE trial_id IN $ids ORDER BY epoch",
            {"ids": ids},
        )
        .fetchall()
    )
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for trial_id, epoch, *values in rows:
        for quantity, value in zip(COLUMNS, values, strict=True):
            if value is not None:
                found.setdefault((trial_id, quantity), []).append((epoch, value))
    return found
