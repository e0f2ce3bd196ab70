"""Progress: what a driver shows while trials run; a live view on a terminal, a line per finished trial elsewhere."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bench.store import Store
from bench.store.progress import read_progress
from cluster.report import TrialReport

SHOWN = 8
"""Running trials that the live view has lines for."""
WIDTHS = (9, 19)
"""Columns for the beginning of a trial's id, and for epoch, quality, seconds of an epoch."""


class Progress:
    """Counts of one `run`, shown as they change."""

    def __init__(
        self,
        console: Console,
        labels: Mapping[str, str],
        *,
        done: int,
        pruned: int = 0,
        store: Store | None = None,
        expected: Mapping[str, float] | None = None,
        unit: str = "%",
    ) -> None:
        """`labels`: of all trials. `expected`: seconds that those which are left will take, by times of similar ones.

        `unit`: of their quality.
        """
        self._console, self._labels, self._store, self._unit = console, labels, store, unit
        self._expected = dict(expected or {})
        self._done_before, self._pruned_before = done, pruned
        self._newest: dict[str, str] = {}
        """How the newest attempt at each trial ended: one that is tried again counts once."""
        self._outcomes: Counter[str] = Counter()
        """How often each of these ends came."""
        self._ended = 0
        self._running: dict[str, float] = {}
        self._side_by_side = 0
        self._seconds = 0.0
        self._at = ""
        self._best: tuple[float, str] | None = None
        self.last_failure = ""
        """Why the newest trial failed, or couldn't be started."""
        self._live = Live(get_renderable=self.view, console=console, transient=True, refresh_per_second=2)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        elif self._left:
            self._print(self.text())
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        if self._ended:
            self._print(self.text())

    def started(self, trial_id: str) -> None:
        """A worker starts on the trial."""
        self._running[trial_id] = time.monotonic()
        if before := self._newest.pop(trial_id, ""):
            self._outcomes[before] -= 1
        self._side_by_side = max(self._side_by_side, len(self._running))

    def at(self, epoch: int, seen: int, size: int) -> None:
        """How far the only running trial is; for launchers that run one at a time in this process."""
        self._at = f"epoch {epoch}, {100 * seen // size} %"

    def finished(self, report: TrialReport) -> None:
        """A worker has ended its attempt at the trial."""
        begun = self._running.pop(report.trial_id, time.monotonic())
        self._at = ""
        self._expected.pop(report.trial_id, None)
        self.last_failure = report.message or self.last_failure
        if report.outcome == "held":
            return
        self._newest[report.trial_id] = report.outcome
        self._outcomes[report.outcome] += 1
        self._ended += 1
        self._seconds += time.monotonic() - begun
        if report.outcome == "done" and report.quality is not None:
            candidate = (report.quality, report.trial_id)
            self._best = max(self._best, candidate) if self._best else candidate
        self._tell(report)

    @property
    def done(self) -> int:
        return self._done_before + self._outcomes["done"]

    @property
    def failed(self) -> int:
        return len(self._newest) - self._outcomes["done"] - self._outcomes["pruned"]

    @property
    def pruned(self) -> int:
        return self._pruned_before + self._outcomes["pruned"]

    @property
    def _left(self) -> int:
        return max(len(self._labels) - self.done - self.failed - self.pruned, 0)

    def text(self) -> str:
        """One line: counts, time left, best so far."""
        best = [f"best {self._said(self._best[0])} ({self._labels[self._best[1]]})"] if self._best else []
        return " · ".join([self._counts(), *best])

    def view(self) -> RenderableType:
        """Counts with a bar; what runs, each with its epoch and pace; the best so far and this machine's load."""
        total = len(self._labels)
        over = total - self._left
        head = Table.grid(padding=(0, 1))
        head.add_row(ProgressBar(total=total or 1, completed=over, width=20), Text(self._counts(), overflow="fold"))
        running = Table.grid(padding=(0, 1), expand=True)
        for width in WIDTHS:
            running.add_column(no_wrap=True, width=width)
        running.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for trial_id in list(self._running)[:SHOWN]:
            running.add_row(f"  {trial_id[:7]}", self._pace(trial_id), Text(self._labels[trial_id]))
        more = len(self._running) - SHOWN
        parts: list[RenderableType] = [head, running]
        if more > 0:
            parts.append(Text(f"  and {more} more"))
        if self._best:
            best = f"best so far {self._said(self._best[0])}: {self._labels[self._best[1]]}"
            parts.append(Text(best, no_wrap=True, overflow="ellipsis"))
        parts.append(Text(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", style="dim"))
        return Group(*parts)

    def _counts(self) -> str:
        parts = [f"{self.done}/{len(self._labels)} done"]
        parts += [f"{len(self._running)} running"] if self._running or self._ended else ["starting workers"]
        parts += [f"{count} {name}" for count, name in ((self.pruned, "pruned"), (self.failed, "failed")) if count]
        parts.append(f"{self._left} left")
        seconds = self._seconds_left()
        if seconds is not None:
            parts.append(f"about {timedelta(seconds=round(seconds))} to go")
        return " · ".join(parts)

    def _seconds_left(self) -> float | None:
        """By times of like trials, and for the others by the mean of those that are over; None before there is any."""
        unknown = self._left - len(self._expected)
        if not self._left or (unknown > 0 and not self._ended):
            return None
        seconds = sum(self._expected.values()) + max(unknown, 0) * (self._seconds / self._ended if self._ended else 0.0)
        return seconds / max(self._side_by_side, 1)

    def _pace(self, trial_id: str) -> str:
        if self._at:
            return self._at
        at = read_progress(self._store.folder(trial_id)) if self._store else None
        return "starting" if at is None else f"{at.epoch}/{at.epochs} {self._said(at.quality)} {at.seconds:.2g} s"

    def _tell(self, report: TrialReport) -> None:
        """What ended badly everywhere; what is done where there is no live view."""
        label = self._labels.get(report.trial_id, "")
        if report.outcome != "done":
            self._print(f"{report.outcome}: {report.trial_id} {label}: {report.message}")
        elif not self._console.is_terminal:
            reached = "" if report.quality is None else f" {self._said(report.quality)}"
            self._print(f"done: {report.trial_id} {label}:{reached} · {self._counts()}")

    def _said(self, quality: float) -> str:
        return f"{quality:.1f} {self._unit}".rstrip()

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
