"""Drawing: one plot's figure, style and results."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.board import Board
from bench.board.metric import METRICS
from bench.board.statistics import Summary, summarize
from bench.errors import UserError
from bench.plots.lines import style_of
from bench.store import Readable, connect, files
from bench.sweep import Sweep
from bench.trial import Trial, short

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class PlottedTrial:
    """A done trial."""

    trial: Trial
    value: float
    """The metric."""
    seconds: float | None
    """Of training and evaluation per epoch."""


@dataclass
class Drawing:
    """What a plot draws from, and onto."""

    stores: Readable
    sweep: Sweep
    board: Board
    counts: set[int] = field(default_factory=set)
    """Numbers of runs that were averaged, for the title."""
    styles: dict[str, int] = field(default_factory=dict)
    """Name of a line → its place among the styles."""
    rhos: dict[str, set[float]] = field(default_factory=dict)
    """Name of a line → the ρ of what it shows, for the legend."""
    figure: Figure | None = None

    @property
    def metric(self) -> str:
        """Label of the metric's axis."""
        return self.board.metric.label

    @cached_property
    def points(self) -> list[PlottedTrial]:
        """The sweep's done trials that have the metric."""
        trials = {trial.trial_id: trial for trial in self.sweep.trials}
        columns = f"trial_id, {self.board.metric.column}, {METRICS['epoch_s'].column}"
        done = f"SELECT {columns} FROM results WHERE outcome = 'done' AND trial_id IN $ids"
        with connect(self.stores, ["results"], measures=[self.board.metric.name]) as connection:
            rows = connection.execute(done, {"ids": [*trials]}).fetchall()
        found = {
            trial_id: PlottedTrial(trials[trial_id], value, seconds)
            for trial_id, value, seconds in rows
            if value is not None
        }
        return [found[trial_id] for trial_id in trials if trial_id in found]

    def at_chosen_rho(self, points: Sequence[PlottedTrial]) -> list[PlottedTrial]:
        """Of the points those at the ρ that the board shows for their method."""
        key, cells = self.board.layout.key, self.board.cells
        return [point for point in points if point.trial.rho == cells[key(point.trial)].chosen.rho]

    def method(self, trial: Trial, leave_out: Collection[str] = ()) -> str:
        """Label of a method: base optimizer, or variant and scope, with those of its fields and settings that vary."""
        layout = self.board.layout
        label = f"{trial.variant} / {trial.scope}" if trial.perturbs else layout.base_label(trial, trial.optimizer)
        return layout.with_settings(trial, label, leave_out)

    def note_rho(self, name: str, points: Sequence[PlottedTrial]) -> None:
        """Remember which ρ a line shows, for the legend; a base optimizer has none."""
        self.rhos.setdefault(name, set()).update(p.trial.rho for p in points if p.trial.rho is not None)

    def need_several(self, axis: str, lines: Iterable[Collection[object]]) -> None:
        """UserError unless a line has more than one value on the axis: else all markers would be in one place."""
        found = [list(values) for values in lines]
        if any(len(values) > 1 for values in found):
            return
        there = ", ".join(dict.fromkeys(short(value) for values in found for value in values))
        raise UserError(
            f"plot over {axis}: no method of {self.sweep.name} has results at more than one value"
            f"{f' ({there})' if there else ''}; choose another --kind"
        )

    def column(self, trial: Trial, leave_out: Collection[str] = ()) -> str:
        """Label of a panel: model and data set, and what else but the method differs between trials."""
        layout = self.board.layout
        told = [trial.model, trial.dataset, *([] if "optimizer" in layout.shared else [trial.optimizer])]
        told += [trial.augment] if trial.augment != "none" else []
        also = layout.column_fields[_NAMED:]
        told += [f"{name} {short(getattr(trial, name))}" for name in also if name not in {"augment", *leave_out}]
        return ", ".join(told)

    def title(self, column: str, leave_out: Collection[str] = ()) -> str:
        """The label of a panel for a column of the board."""
        first = next(cell.trial for (_, of, _), cell in self.board.cells.items() if of == column)
        return self.column(first, leave_out)

    def panels(self, count: int, *, width: float = 4.2, height: float = 3.2, shared: bool = True) -> list[Axes]:
        """Panels side by side, of more than three in rows, with the same y axis if `shared`."""
        from matplotlib import pyplot as plt

        across = min(max(count, 1), _ACROSS)
        down = -(-max(count, 1) // across)
        self.figure, axes = plt.subplots(
            down,
            across,
            figsize=(width * across, height * down + 0.9),
            sharey=shared,
            squeeze=False,
            layout="constrained",
        )
        for unused in axes.flat[max(count, 1) :]:
            self.figure.delaxes(unused)
        return list(axes.flat[: max(count, 1)])

    def label_rows(self, panels: Sequence[Axes], label: str = "") -> None:
        """A label, by default the metric's, for the y axis of the first panel of each row."""
        for panel in panels[::_ACROSS]:
            panel.set_ylabel(label or self.metric)

    def style(self, name: str) -> tuple[str, str]:
        """Colour and marker of a line, the same in every panel."""
        return style_of(self.styles.setdefault(name, len(self.styles)))

    def summary(self, values: Sequence[float]) -> Summary:
        """Mean, std and n, whose n the title will say."""
        found = summarize(values)
        assert found is not None, "a mean is taken of something"
        self.counts.add(found.n)
        return found

    def errors(self, summaries: Sequence[Summary]) -> list[list[float]]:
        """How far bars reach below the means, and above, by the board's spread."""
        both = [self.board.spread.errors(each) for each in summaries]
        return [[low for low, _ in both], [high for _, high in both]]

    def finish(self, outputs: Sequence[Path], *, what: str = "mean ± std") -> None:
        """Legend below, title above, and the files, each written in one step."""
        assert self.figure is not None
        labelled = [panel.get_legend_handles_labels() for panel in self.figure.axes]
        legend = {label: handle for handles, labels in labelled for handle, label in zip(handles, labels, strict=True)}
        self._place_legend({f"{label}{at_rho(self.rhos.get(label, ()))}": handle for label, handle in legend.items()})
        n = f"{min(self.counts)}–{max(self.counts)}" if len(self.counts) > 1 else f"{min(self.counts, default=0)}"
        self.figure.suptitle(_wrapped(f"{self.board.title} ({what}, n = {n})", self.figure), fontsize=11)
        save(self.figure, outputs)

    def _place_legend(self, legend: Mapping[str, Artist]) -> None:
        assert self.figure is not None
        entries = ([*legend.values()], [*legend])
        if len(legend) > _MANY:
            rows = max(8, int(self.figure.get_figheight() * 5))
            columns = -(-len(legend) // rows)
            self.figure.set_figwidth(self.figure.get_figwidth() + 2.6 * columns)
            self.figure.legend(*entries, loc="outside right center", ncols=columns, frameon=False, fontsize=8)
        elif legend:
            widest = 0.075 * max(map(len, legend)) + 0.6
            columns = min(len(legend), max(1, int(self.figure.get_figwidth() / widest)))
            self.figure.legend(*entries, loc="outside lower center", ncols=columns, frameon=False)


_NAMED = 3
"""The first fields of a layout's columns, data set, model and optimizer, which the label of a panel begins with."""
_ACROSS = 3
"""Panels in a row."""
_MANY = 8
"""Entries that a legend below the panels has room for."""


def save(figure: Figure, outputs: Sequence[Path]) -> None:
    """Write a figure to every path, each in one step, in the format of its suffix, and close it."""
    from matplotlib import pyplot as plt

    for output in outputs:
        buffer = io.BytesIO()
        figure.savefig(buffer, format=output.suffix.removeprefix("."), dpi=160)
        files.put(output, buffer.getvalue())
        # The layout is computed once: it takes longer than drawing, and is the same in all files.
        figure.set_layout_engine("none")
    plt.close(figure)


def at_rho(rhos: Collection[float]) -> str:
    """`, ρ 0.1`; of many, the smallest and the largest."""
    if not rhos:
        return ""
    told = [f"{rho:g}" for rho in sorted(rhos)]
    return f", ρ {', '.join(told)}" if len(told) <= _LISTED else f", ρ {told[0]} to {told[-1]}"


_LISTED = 3
"""Values of ρ that are listed in the legend."""


def grouped(points: Sequence[Any], key: Callable[[Any], Hashable]) -> dict[Any, list[Any]]:
    """Points by key, in the order in which keys appear."""
    groups: dict[Any, list[Any]] = defaultdict(list)
    for point in points:
        groups[key(point)].append(point)
    return dict(groups)


def _wrapped(text: str, figure: Figure) -> str:
    import textwrap

    return textwrap.fill(text, max(30, int(figure.get_figwidth() * 11)))
