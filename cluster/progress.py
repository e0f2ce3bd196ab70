"""Progress: what a driver shows while trials run; one live line on a terminal, few plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress

from cluster.report import TrialReport

QUIET_SECONDS = 10.0
"""Shortest time between two lines where there is no terminal."""


class Progress:
    """Counts of one `run`, shown as they change."""

    def __init__(self, console: Console, labels: Mapping[str, str], *, done: int, pruned: int = 0) -> None:
        self._console = console
        self._labels = labels
        self._done_before = done
        self._pruned_before = pruned
        self._total = len(labels)
        self._outcomes: Counter[str] = Counter()
        self._running: set[str] = set()
        self._at = ""
        self._best: tuple[float, str] | None = None
        self._started = time.monotonic()
        self._last_line = 0.0
        self.last_failure = ""
        """Why the newest trial failed, or couldn't be started."""
        columns = (BarColumn(bar_width=24), TextColumn("{task.description}"))
        self._live = RichProgress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._live.add_task(self.text(), total=self._total, completed=done)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        if not self._console.is_terminal:
            self._line(force=True)

    def started(self, trial_id: str) -> None:
        """A worker was given the trial."""
        self._running.add(trial_id)
        self._show()

    def at(self, epoch: int, seen: int, images: int) -> None:
        """How far the only running trial is; for launchers that run one at a time in this process."""
        self._at = f"epoch {epoch}, {seen}/{images} images"
        self._show()

    def finished(self, report: TrialReport) -> None:
        """A worker is through with the trial."""
        self._running.discard(report.trial_id)
        self._at = ""
        self.last_failure = report.message or self.last_failure
        if report.outcome == "held":
            return
        self._outcomes[report.outcome] += 1
        if report.outcome == "done" and report.accuracy is not None:
            candidate = (report.accuracy, report.trial_id)
            self._best = max(self._best, candidate) if self._best else candidate
        elif report.outcome != "done":
            label = self._labels.get(report.trial_id, "")
            self._print(f"{report.outcome}: {report.trial_id} {label}: {report.message}")
        self._show()

    @property
    def done(self) -> int:
        return self._done_before + self._outcomes["done"]

    @property
    def failed(self) -> int:
        return sum(count for outcome, count in self._outcomes.items() if outcome not in ("done", "pruned"))

    @property
    def pruned(self) -> int:
        return self._pruned_before + self._outcomes["pruned"]

    def text(self) -> str:
        """The line: counts, time left, best so far."""
        left = max(self._total - self.done - self.failed - self.pruned, 0)
        parts = [
            f"{self.done}/{self._total} done",
            f"{len(self._running)} running",
            *([f"{self.pruned} pruned"] if self.pruned else []),
            f"{self.failed} failed",
            f"{left} left",
        ]
        finished = sum(self._outcomes.values())
        if finished and left:
            seconds = (time.monotonic() - self._started) / finished * left
            parts.append(f"about {timedelta(seconds=round(seconds))} to go")
        if self._at:
            parts.append(self._at)
        if self._best:
            parts.append(f"best {self._best[0]:.1f} % ({self._labels[self._best[1]]})")
        return " · ".join(parts)

    def _show(self) -> None:
        self._live.update(self._task, completed=self.done + self.failed + self.pruned, description=self.text())
        if not self._console.is_terminal:
            self._line()

    def _line(self, *, force: bool = False) -> None:
        now = time.monotonic()
        if force or now - self._last_line >= QUIET_SECONDS:
            self._last_line = now
            self._print(self.text())

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
