"""Scene: one store in work, with processes to disturb and readers beside them, until every trial is done."""

from __future__ import annotations

import json
import math
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from bench.store import Store
from tests.chaos import oracle
from tests.chaos.command import sambench
from tests.chaos.processes import Child, Household, ancestors, descendants, signal_to, title
from tests.chaos.tally import Tally
from tests.chaos.truth import Truth
from tests.slurm.site.processes import Process

_PATIENCE = 120.0
"""Seconds that processes have to be gone, once there is nothing left to do."""
_JUDGED = 900.0
"""Seconds that a judge may take, who also lets trials be finished that aren't."""


class Scene:
    """What all scenes have in common; each kind says who works and who may be disturbed."""

    kind = ""
    pause = 1.0
    """Mean seconds between two signals."""
    calm = 240.0
    """Seconds without any progress, once nothing is disturbed any more, after which the work is taken to hang."""

    def __init__(self, folder: Path, truth: Truth, seed: int, tally: Tally) -> None:
        self.folder, self.truth, self.seed, self.tally = folder, truth, seed, tally
        self.store = folder / "store"
        self.random = random.Random(seed)
        self.household = Household(folder / "said")
        self.sleeping: list[tuple[float, Process]] = []
        """Stopped processes, and when each is to go on."""
        self.over: set[Path] = set()
        """Claims whose attempts are over, or whose workers are gone."""
        self.watcher: Child | None = None
        self.exit_codes: tuple[int, ...] = (0,)
        """Of undisturbed children."""

    def begin(self) -> None:
        """Prepare."""

    def staff(self) -> None:
        """Start whoever is missing."""

    def victims(self) -> list[tuple[str, Process]]:
        """Processes that may be disturbed, with their roles."""
        return [(child.role, child.process) for child in self.household.children.values() if child is not self.watcher]

    def struck(self, role: str, ancestry: list[int]) -> None:
        """Hear of a kill, with the pids of its process and of those above."""

    def judge(self) -> Iterator[str]:
        """What is wrong in the end; in a process of its own."""
        yield from oracle.whole(self.store, self.truth)

    def end(self) -> None:
        """Clear away what runs beside the trials."""

    def play(self, seconds: float, pace: float = 1.0) -> None:
        """Disturb for so long, or until all trials are done; then let the work end, and judge it."""
        self.pause *= pace
        try:
            self._play(seconds)
        finally:
            self.household.end_all()

    def _play(self, seconds: float) -> None:
        Store.create(self.store)
        self.begin()
        self.watcher = self.household.fork("watcher", self.watch)
        start = time.monotonic()
        next_signal = start + self._wait()
        while not self._finished() and time.monotonic() < start + seconds:
            self._tend()
            if time.monotonic() > next_signal:
                self._disturb()
                next_signal = time.monotonic() + self._wait()
            time.sleep(0.005)
        self._calm_down()
        self._close()

    def watch(self) -> None:
        """A reader that compares every answer with the truth, until all trials are done."""
        seen = 0
        while seen < len(self.truth.accuracy):
            began = time.monotonic()
            rows, answer = oracle.done_trials(self.store)
            for finding in (*oracle.spoken("query", answer), *oracle.wrong_rows(rows, self.truth)):
                oracle.tell(finding)
            if len(rows) < seen and not answer.code:
                oracle.tell(f"wrong number: query: {len(rows)} trials are done after {seen} were")
            board = list(oracle.wrong_board(self.store, self.truth, rows))
            status = list(oracle.wrong_status(self.store, self.truth, len(rows)))
            check = oracle.spoken("store check", sambench("store", "check", "--store", self.store))
            if oracle.done_trials(self.store)[0] != rows:
                # A trial was done meanwhile; what was said fits one moment or the other, or something between.
                board, status = ([said for said in each if "wrong number" not in said] for each in (board, status))
            for finding in (*board, *status, *check):
                oracle.tell(finding)
            print("answers 4", flush=True)
            seen = max(seen, len(rows))
            if not answer.code and self.random.random() < 0.05:
                page = ("report", self.truth.sweep, "--store", self.store, "--output", self.folder / "report.html")
                for finding in oracle.spoken("report", sambench(*page)):
                    oracle.tell(finding)
            # Leaves the processors to those who work for at least half of the time.
            time.sleep(max(0.2, time.monotonic() - began))

    def _finished(self) -> bool:
        return self.watcher is not None and self.watcher.status is not None

    def _tend(self) -> None:
        for child in self.household.collect():
            self._heed(child)
        self.wake(time.monotonic())
        if not self._finished():
            self.staff()

    def wake(self, due: float = math.inf) -> None:
        """Let the stopped processes go on whose time has come, or all."""
        for entry in [entry for entry in self.sleeping if entry[0] < due]:
            self.sleeping.remove(entry)
            self._count(signal.SIGCONT, entry[1])

    def _heed(self, child: Child) -> None:
        """Note what a child that ended found, or how it failed."""
        said = child.said()
        self.tally.answers[self.kind] += 4 * said.count("answers 4")
        for finding in oracle.told(said):
            self.find(f"{finding} [{child.role}]")
        if not child.disturbed and child.status not in self.exit_codes:
            self.find(f"failed: {child.role} ended with {child.status}: {said[-1500:]!r}")

    def find(self, finding: str) -> None:
        """Note that something is wrong."""
        self.tally.findings.append(f"{finding} [{self.kind}, seed {self.seed}]")

    def _disturb(self) -> None:
        victims = self.victims()
        if not victims:
            return
        role, process = self.random.choice(victims)
        number = self.random.choices((signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP), (7, 1, 2))[0]
        overlapping = self._overlaps()
        ancestry = [process.pid, *ancestors(process.pid)]
        for pid in ancestry:
            if pid in self.household.children:
                self.household.children[pid].disturbed = True
        if not self._count(number, process):
            return
        if number == signal.SIGSTOP:
            self.sleeping.append((time.monotonic() + self.random.uniform(0, 2), process))
            return
        self.tally.roles[f"{self.kind} {role}"] += 1
        self.struck(role, ancestry)
        if overlapping:
            self.tally.overlapping[self.kind] += 1

    def _count(self, number: signal.Signals, process: Process) -> bool:
        arrived = signal_to(process, number)
        if arrived:
            self.tally.signals[f"{self.kind} {number.name}"] += 1
        return arrived

    def _overlaps(self) -> bool:
        """Whether at least two trials have an open attempt whose worker lives here."""
        return len(list(islice(self._held(), 2))) == 2

    def _held(self) -> Iterator[Path]:
        """Claims on open attempts, of workers that live here."""
        for claim in self.store.glob("trials/*/attempts/*.claim"):
            try:
                if claim not in self.over and not claim.with_suffix(".parquet").exists():
                    holder = json.loads(claim.read_text(encoding="utf-8"))
                    found = Process.find(holder["pid"])
                    if found is not None and str(found.started) == str(holder["process_started"]):
                        yield claim
                        continue
            except (OSError, ValueError):
                continue
            self.over.add(claim)

    def _wait(self) -> float:
        return self.random.expovariate(1 / self.pause)

    def _calm_down(self) -> None:
        """Wake whoever sleeps, and let the trials be finished, however long a busy machine takes."""
        self.wake()
        progress, since = self._progress(), time.monotonic()
        while not self._finished() and time.monotonic() < since + self.calm:
            self._tend()
            time.sleep(0.05)
            if (now := self._progress()) != progress:
                progress, since = now, time.monotonic()
        self._tend()
        if not self._finished():
            self.find(f"unfinished: {self.calm:g} s without any progress, and some trials aren't done")

    def _progress(self) -> list[int]:
        """Differs from the one before if anything was written for a trial, other than that somebody holds it."""
        written = []
        for path in self.store.glob("trials/*/*"):
            with suppress(FileNotFoundError):
                written.append(path.stat().st_mtime_ns)
        return written

    def _close(self) -> None:
        self.end()
        deadline = time.monotonic() + _PATIENCE
        while (left := descendants()) and time.monotonic() < deadline:
            self._tend()
            time.sleep(0.1)
        for process in left:
            self.find(f"process left: {process.pid} {title(process)[:200]}")
        self.household.end_all()
        for finding in self._judged():
            self.find(finding)
        self.tally.rounds[self.kind] += 1

    def _judged(self) -> list[str]:
        def work() -> None:
            for finding in self.judge():
                oracle.tell(finding)

        try:
            said = self.household.call("judge", work, _JUDGED).said()
        except TimeoutError as error:
            return [f"hung: {error}"]
        found = oracle.told(said)
        if not any(finding.partition(":")[0] in ("lost", "twice done", "wrong weights") for finding in found):
            self.tally.trials[self.kind] += len(self.truth.accuracy)
        return found
