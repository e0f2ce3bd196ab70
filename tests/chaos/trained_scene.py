"""Trained scenes: real training under a launcher, with drivers, workers and whatever the launcher starts killed."""

from __future__ import annotations

import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.store import Store, compact
from tests.chaos import oracle
from tests.chaos.command import environment, sambench
from tests.chaos.processes import descendants, title
from tests.chaos.scene import Scene
from tests.chaos.tally import Tally
from tests.chaos.truth import Truth
from tests.conftest import ROOT
from tests.slurm.site.processes import Process

_WEIGHTS = {"actor": 8}
"""How much more often a role of Ray is disturbed than the others."""

_ENDING = 90.0
"""Seconds in which a driver must notice that its Ray is gone."""
_SPARED = 0.9
"""Share of the signals that aren't sent while no worker is there."""


class Trained(Scene):
    """Drivers are started again as soon as they die, and compaction runs beside them."""

    compaction = True

    def __init__(self, folder: Path, truth: Truth, seed: int, tally: Tally, *, drivers: int) -> None:
        super().__init__(folder, truth, seed, tally)
        self.drivers = drivers
        # What is nobody's business: a neighbour of the store, and files that belong to others.
        self.bystanders = folder / "bystanders"
        self.bystanders.mkdir()
        (self.bystanders / "notes.txt").write_text("mine\n", encoding="utf-8")

    def staff(self) -> None:
        """Keep every role filled."""
        roles = [child.role for child in self.household.children.values()]
        for _ in range(self.drivers - roles.count("driver")):
            self.drive()
        if self.compaction and "compaction" not in roles:
            self.household.fork("compaction", self._compact)

    def drive(self) -> None:
        """Start a driver."""
        raise NotImplementedError

    def _compact(self) -> None:
        while True:
            time.sleep(random.expovariate(0.5))
            compact(Store.open(self.store))

    def end(self) -> None:
        """Drivers end by themselves, since all is done."""
        for child in self.household.children.values():
            if child.role == "compaction":
                child.disturbed = True
                child.process.kill(9)

    def judge(self) -> Iterator[str]:
        """Also after a clean compaction, and that nothing else was touched."""
        run = ("run", self.truth.sweep, "--on", "inline", "--store", self.store)
        yield from oracle.leftovers(self.store, run, ("compact", "--store", self.store), oracle.clear_up(self.store))
        yield from super().judge()
        if [path.name for path in self.bystanders.glob("*")] != ["notes.txt"]:
            yield f"touched: {self.bystanders}"
        shutil.rmtree(self.bystanders, ignore_errors=True)


class Inline(Trained):
    """`run --on inline`, several drivers on one store, forked so that a start costs nothing."""

    kind = "inline"
    pause = 0.7

    def drive(self) -> None:
        """Start a driver."""
        self.household.fork("driver", self._run)

    def _run(self) -> None:
        answer = sambench("run", self.truth.sweep, "--on", "inline", "--store", self.store)
        print(answer.text)
        sys.exit(answer.code)


class Ray(Trained):
    """`run --on ray`: a driver with a Ray of its own, whose daemons and actors are killed too."""

    kind = "ray"
    calm = 600.0
    pause = 2.0

    def drive(self) -> None:
        """Start a driver."""
        command = [
            sys.executable,
            "-m",
            "bench",
            "run",
            str(self.truth.sweep),
            "--on",
            "ray",
            "--store",
            str(self.store),
        ]
        around = environment(self.folder) | {"PYTHONPATH": str(ROOT), "RAY_worker_niceness": "0"}
        self.household.execute("driver", command, around, self.folder)

    def victims(self) -> list[tuple[str, Process]]:
        """One of a role that is drawn first, since there are many more actors than daemons."""
        found: dict[str, list[tuple[str, Process]]] = {}
        known = {child.process for child in self.household.children.values()}
        for process in descendants():
            if process not in known and (role := _role(title(process))):
                found.setdefault(role, []).append((role, process))
        for child in self.household.children.values():
            if child is not self.watcher:
                found.setdefault(child.role, []).append((child.role, child.process))
        # Before there are actors, mostly wait: else no driver would ever come to start one.
        if not found or ("actor" not in found and self.random.random() < _SPARED):
            return []
        roles = list(found)
        (role,) = self.random.choices(roles, [_WEIGHTS.get(role, 1) for role in roles])
        return found[role]


def _role(line: str) -> str:
    """What a process of Ray is; empty for others."""
    if "ray::" in line:
        return "actor"
    for role, sign in (("raylet", "raylet/raylet"), ("gcs", "gcs_server"), ("daemon", "/ray/")):
        if sign in line:
            return role
    return ""
