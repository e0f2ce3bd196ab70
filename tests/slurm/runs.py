"""Sweeps on the cluster: `sambench` with its environment, and what is asked of the store afterwards."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bench import plugins
from bench.store import Store, query
from bench.store.claims.claim import last_number
from bench.store.progress import read_progress
from bench.sweep import Sweep, load
from cluster.on_slurm.queue_plan import plans
from tests.shared import assert_undisturbed, command
from tests.shared.pace import paced, unpaced
from tests.shared.timing import wait_for
from tests.slurm.site.cluster import Cluster

__all__ = ["LONG", "SHORT", "Run", "processes_of", "wait_for"]

PACE = paced(0.4, until="GO")
"""Until the first attempt has ended, so that what comes after it takes no longer than it must."""
LONG = f"""
title: "Long enough to be interrupted"
grid: {{dataset: digits, model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 256, epochs: 10,
       {PACE}}}
methods: [{{variant: sam, scope: only_norm, rho: 0.1, seed: [0]}}]
resources: {{time: 10m}}
"""
SHORT = LONG.replace(f"epochs: 10,\n       {PACE}", "epochs: 1")


@dataclass
class Run:
    """A sweep, a store and the cluster."""

    cluster: Cluster
    folder: Path
    text: str = LONG

    def __post_init__(self) -> None:
        self.file.write_text(self.text.replace("GO", str(self.go)), encoding="utf-8")

    @property
    def file(self) -> Path:
        return self.folder / "sweep.yaml"

    @property
    def go(self) -> Path:
        """Ends the pauses of training, where the sweep has any."""
        return self.folder / "go"

    @property
    def sweep(self) -> Sweep:
        with plugins.importing():
            return load(self.file)

    @property
    def store(self) -> Store:
        return Store.open(self.folder / "store")

    def profile(self, **fields: object) -> Path:
        """A profile file with one profile."""
        path = self.folder / "profiles.yaml"
        path.write_text(json.dumps({"here": fields}), encoding="utf-8")
        return path

    def sambench(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """The command, on a login node of the cluster."""
        return command.sambench(self.folder, *arguments, environment=self.cluster.environment)

    def submit(self, *arguments: object) -> None:
        """`sambench run --on slurm`, which must go well."""
        done = self.sambench("run", self.file, "--on", "slurm", *arguments)
        assert done.returncode == 0, done.stderr

    def outcomes(self) -> list[str]:
        """Of all attempts, in their order."""
        rows = query(self.store, "SELECT outcome FROM attempts ORDER BY ended").to_pylist()
        return [row["outcome"] for row in rows]

    def wait_until_done(self, patience: float = 300) -> None:
        """Until every trial of the sweep is done, each once; in no hurry before an attempt has ended."""
        wanted = {trial.trial_id for trial in self.sweep.trials}
        wait_for(self.outcomes, patience, self.situation)
        self.go.touch()
        wait_for(lambda: self._done().keys() >= wanted, patience, self.situation)
        assert set(self._done().values()) == {1}

    def wait_until_training(self, epoch: int = 1) -> int:
        """Until the first trial has finished an epoch or more; the process that holds it."""
        folder = self.store.folder(self.sweep.trials[0].trial_id)

        def reached() -> bool:
            at = read_progress(folder)
            return at is not None and at.epoch >= epoch

        wait_for(reached, 240, self.situation)
        number = last_number(folder)
        assert not folder.attempt(number).exists(), "it is still at it"
        return int(json.loads(folder.claim(number).read_text(encoding="utf-8"))["pid"])

    def assert_as_undisturbed(self) -> None:
        """Weights of the first trial equal to the bit those of a run that nothing happened to."""
        trial = self.sweep.trials[0]
        weights = self.store.folder(trial.trial_id).weights
        assert_undisturbed(weights, unpaced(trial), self.cluster.layout.state.parent)

    def jobs(self) -> list[str]:
        """Jobs in the queue, as `ID STATE`."""
        return self.cluster.run("squeue", "--noheader", "--array", "--format=%i %T").stdout.splitlines()

    def own_jobs(self) -> list[str]:
        """Those of this sweep: tests beside this one have jobs too."""
        arrays = {chunk.job for plan in plans(self.store) for chunk in plan.chunks}
        return [job for job in self.jobs() if job.split()[0].partition("_")[0] in arrays]

    def situation(self) -> str:
        """For a test that waits in vain."""
        logs = [path.read_text(encoding="utf-8")[-2000:] for path in (self.folder / "store").rglob("queued/*/*.log")]
        trials = [path.read_text(encoding="utf-8")[-1000:] for path in (self.folder / "store").rglob("log.txt")]
        return "\n".join([*self.jobs(), *logs[:3], *trials[:3]])

    def _done(self) -> Counter[str]:
        rows = query(self.store, "SELECT trial_id FROM attempts WHERE outcome = 'done'").to_pylist()
        return Counter(row["trial_id"] for row in rows)


def processes_of(folder: Path) -> list[int]:
    """Processes whose command line names `folder`, this one aside."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in command:
                found.append(int(entry.name))
    return found
