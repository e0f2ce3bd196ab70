"""A file system of a test's own, of real size limits: `python -m tests.cluster.small_disk FOLDER CASE…` as its root."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.errors import MachineFault
from bench.measures.names import parse
from bench.resources import Resources
from bench.store import Store, query, states
from bench.trial import Trial
from cluster.job import Job
from cluster.measuring import take_missing
from cluster.on_slurm.queue_plan import Plan, cut
from cluster.on_slurm.worker import work_here
from cluster.work.torchrun import Ranks
from cluster.work.worker import run_trial
from tests.conftest import ROOT

MOUNT = 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"'


def on_small_disk(folder: Path, size: str, *case: str) -> dict[str, Any]:
    """What a case of this module says that ran with `folder` as a file system of `size`, seen by no one else."""
    folder.mkdir()
    command: list[str | Path] = ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh", size, folder]
    command += [sys.executable, "-m", "tests.cluster.small_disk", folder, *case]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "Traceback" not in answer.stderr, answer.stderr
    said: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return said


def fill(folder: Path) -> None:
    """Take all space that is left."""
    with (folder / "filler").open("ab", buffering=0) as filler:
        for size in (2**16, 2**12, 1):
            try:
                while filler.write(bytes(size)):
                    pass
            except OSError:
                continue


def small_trial(epochs: int) -> Trial:
    """A trial whose epochs take a moment each."""
    return Trial(
        dataset="fake:512x1x8x10", model="resnet8", optimizer="sgd", lr=0.05, weight_decay=5e-4, batch_size=128, m=64,
        augment="basic", epochs=epochs, seed=0, settings=(("momentum", 0.9),),
    )  # fmt: skip


def full_amid(folder: Path, processes: str) -> dict[str, Any]:
    """A worker that has no byte left after its first epoch, not even for its record; then there is space again."""
    ranks = Ranks(per_node=int(processes))
    return _interrupted(folder, lambda job, trial_id: run_trial(job, trial_id, ranks=ranks).outcome)


def slurm(folder: Path) -> dict[str, Any]:
    """The same within a job of SLURM; the exit code of its worker tells the batch script."""
    told = {"SAMBENCH_GPUS": "0", "SAMBENCH_JOB_MINUTES": "60", "SAMBENCH_SIGNAL_SECONDS": "30"}
    os.environ.update(told)

    def work(job: Job, trial_id: str) -> int:
        path = job.store / "queued" / "plan.json"
        return work_here(Plan(path=path, job=job, trials=[trial_id], per_share=1, chunks=cut(1, 1, None)), 0)

    return _interrupted(folder, work)


def _interrupted(folder: Path, work: Callable[[Job, str], Any]) -> dict[str, Any]:
    store, trial = Store.create(folder / "store"), small_trial(epochs=20)
    store.add([trial])
    log = store.folder(trial.trial_id).log

    def fill_after_an_epoch() -> None:
        while not (log.exists() and "epoch 1/20" in log.read_text(encoding="utf-8")):
            time.sleep(0.01)
        fill(folder)

    threading.Thread(target=fill_after_an_epoch, daemon=True).start()
    # Its first checkpoint is to be there before the disk is full.
    resources = Resources(checkpoint_seconds=0)
    job, first, fault = Job(store=store.root, launcher="test", resources=resources), None, ""
    try:
        first = work(job, trial.trial_id)
    except MachineFault as error:
        fault = str(error)
    (folder / "filler").unlink()
    between = states(store, [trial.trial_id])[trial.trial_id].status
    again = work(job, trial.trial_id)
    rows = query(store, "SELECT outcome, first_epoch FROM attempts ORDER BY attempt").to_pylist()
    return {"first": first, "fault": fault, "between": between, "again": again, "attempts": rows}


def measuring(folder: Path) -> dict[str, Any]:
    """A model that is to be measured with no byte left, or a page for its lease alone; then there is space again."""
    store, trial = Store.create(folder / "store"), small_trial(epochs=1)
    store.add([trial])
    job = Job(store=store.root)
    run_trial(job, trial.trial_id)
    tasks, faults = {trial.trial_id: (parse("sharpness"),)}, []
    for free in (0, 1):
        fill(folder)
        os.truncate(folder / "filler", (folder / "filler").stat().st_size - free * resource.getpagesize())
        try:
            list(take_missing(job, tasks))
        except MachineFault as error:
            faults.append(str(error))
        (folder / "filler").unlink()
    outcomes = [taken.outcome for taken in take_missing(job, tasks)]
    return {"faults": faults, "outcomes": outcomes, "left": [path.name for path in store.root.rglob(".*")]}


SWEEP = """
title: "Too large"
grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 256, epochs: 1}
methods: [{seed: 2}]
"""


def driver(folder: Path, on: str) -> dict[str, Any]:
    """The command on a disk that is too small for any trial, and again when it was made larger."""
    sweep, store = folder / "sweep.yaml", folder / "store"
    sweep.write_text(SWEEP, encoding="utf-8")
    command = [sys.executable, "-m", "bench", "run", str(sweep), "--on", on, "--store", str(store)]
    first = subprocess.run(command, capture_output=True, text=True, check=False)
    subprocess.run(["mount", "-o", "remount,size=30m", folder], check=True)
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = query(Store.open(store), "SELECT outcome FROM attempts")
    return {
        "first": first.returncode,
        "said": first.stderr,
        "second": second.returncode,
        "outcomes": sorted(rows.column("outcome").to_pylist()),
    }


if __name__ == "__main__":
    cases: dict[str, Callable[..., dict[str, Any]]] = {
        "full_amid": full_amid,
        "slurm": slurm,
        "measuring": measuring,
        "driver": driver,
    }
    print(json.dumps(cases[sys.argv[2]](Path(sys.argv[1]), *sys.argv[3:])))
    sys.stdout.flush()
