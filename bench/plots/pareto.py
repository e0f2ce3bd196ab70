"""Metric over what the training cost, with the front: the methods that none beats at the same cost or less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bench.board.cells import Key
from bench.board.relative_cost import Cost, costs_of
from bench.board.statistics import Summary
from bench.plots.drawing import Drawing
from bench.plots.lines import finish, markers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COSTS = {"passes": "passes", "time": "training time"}
"""Member of a cost → what an axis calls it."""


class MethodPoint(NamedTuple):
    """A method at its chosen ρ."""

    name: str
    cost: float
    summary: Summary


def draw(drawing: Drawing) -> None:
    """For each column of the board a panel over passes, and one over time where any was measured."""
    board = drawing.board
    costs = costs_of(drawing.stores, board, drawing.sweep.trials)
    kinds = [kind for kind in _COSTS if any(getattr(cost, kind) is not None for cost in costs.values())]
    columns = list(dict.fromkeys(column for _, column, _ in costs))
    axes = drawing.panels(len(columns) * len(kinds))
    places = [(column, kind) for column in columns for kind in kinds]
    for panel, (column, kind) in zip(axes, places, strict=False):
        points = [_point(drawing, key, cost, kind) for key, cost in costs.items() if key[1] == column]
        _panel(panel, drawing, [point for point in points if point is not None])
        finish(panel, drawing.title(column), f"{_COSTS[kind]} / base optimizer's")
    drawing.label_rows(axes)


def front(points: Sequence[MethodPoint], gain: float = 1.0) -> list[MethodPoint]:
    """Those that none beats at the same cost or less, by rising cost; `gain` is −1 where less is better."""
    best: list[MethodPoint] = []
    for point in sorted(points, key=lambda point: (point.cost, -gain * point.summary.mean)):
        if not best or gain * point.summary.mean > gain * best[-1].summary.mean:
            best.append(point)
    return best


def _point(drawing: Drawing, key: Key, cost: Cost, kind: str) -> MethodPoint | None:
    cell = drawing.board.cells[key]
    name, place, values = drawing.method(cell.trial), getattr(cost, kind), list(cell.chosen.values.values())
    if place is None:
        return None
    if cell.chosen.rho is not None:
        drawing.rhos.setdefault(name, set()).add(cell.chosen.rho)
    return MethodPoint(name, place, drawing.summary(values))


def _panel(axes: Axes, drawing: Drawing, points: Sequence[MethodPoint]) -> None:
    best = front(points, drawing.board.metric.gain(1.0))
    # To the costliest, which buys no more than the last of the front.
    costs = [*(point.cost for point in best), *([max(point.cost for point in points)] if points else [])]
    means = [*(point.summary.mean for point in best), *(point.summary.mean for point in best[-1:])]
    axes.step(costs, means, where="post", color="0.6", linewidth=1.2, label="front")
    for name, cost, summary in points:
        markers(axes, drawing, [cost], [summary], name)
