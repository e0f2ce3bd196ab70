"""Training curves: loss at w and the task's quality over epochs, mean ± std over seeds; each method at its chosen ρ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench import tasks
from bench.plots.drawing import Drawing, PlottedTrial, grouped
from bench.plots.lines import curve, finish
from bench.registry import TaskEntry
from bench.store import connect
from bench.tasks import TASKS

_COLUMNS = ("train_loss", *(task.curve for task in TASKS.values()))


def draw(drawing: Drawing) -> None:
    """A row for each model, of two panels: loss and quality; a line for each method."""
    from matplotlib import pyplot as plt
    from matplotlib.ticker import MaxNLocator

    rows = grouped(drawing.at_chosen_rho(drawing.points), lambda p: drawing.column(p.trial))
    found = history(drawing)
    drawing.need_several("epochs", ({epoch for epoch, _ in line} for line in found.values()))
    size = (4.2 * 2, 3.2 * max(len(rows), 1) + 0.9)
    drawing.figure, axes = plt.subplots(
        max(len(rows), 1), 2, figsize=size, sharex=True, squeeze=False, layout="constrained"
    )
    for row, (title, points) in zip(axes, rows.items(), strict=False):
        task = task_of(points)
        for panel, (quantity, label) in zip(row, (("train_loss", "training loss"), quality(task)), strict=True):
            for name, line in grouped(points, lambda p: drawing.method(p.trial)).items():
                values = by_epoch(found, line, quantity)
                drawing.note_rho(name, line)
                if values:
                    curve(panel, drawing, values, name)
            finish(panel, title)
            panel.set_ylabel(label)
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    for panel in axes[-1]:
        panel.set_xlabel("epoch")


def task_of(points: Iterable[PlottedTrial]) -> TaskEntry:
    """The task of a panel's trials, which have one data set."""
    return tasks.of_trials(point.trial for point in points)[0]


def quality(task: TaskEntry) -> tuple[str, str]:
    """Column of the history and label of its axis."""
    return task.curve, f"{task.curve_label} ({task.unit})" if task.unit else task.curve_label


History = Mapping[tuple[str, str], Sequence[tuple[int, float]]]
"""Trial id and column of the history → epochs and values."""


def history(drawing: Drawing) -> History:
    """The loss and the quality of every trial that is drawn, epoch by epoch."""
    ids = [point.trial.trial_id for point in drawing.points]
    columns = f"trial_id, epoch, {', '.join(_COLUMNS)}"
    with connect(drawing.stores, ["history"]) as connection:
        rows = connection.execute(
            f"SELECT {columns} FROM history WHERE trial_id IN $ids ORDER BY epoch", {"ids": ids}
        ).fetchall()
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for trial_id, epoch, *values in rows:
        for quantity, value in zip(_COLUMNS, values, strict=True):
            if value is not None:
                found.setdefault((trial_id, quantity), []).append((epoch, value))
    return found


def by_epoch(found: History, points: Iterable[PlottedTrial], quantity: str) -> dict[float, list[float]]:
    """Epoch → what the trials had then."""
    values: dict[float, list[float]] = {}
    for point in points:
        for epoch, value in found.get((point.trial.trial_id, quantity), ()):
            values.setdefault(epoch, []).append(value)
    return values
