"""A file system of a test's own, of real size limits: `python -m tests.cluster.small_disk FOLDER CASE…` as its root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bench.errors import MachineFault
from bench.store import Store, query, states
from bench.trial import Trial
from cluster.job import Job
from cluster.work.torchrun import Ranks
from cluster.work.worker import run_trial
from tests.conftest import ROOT

MOUNT = 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"'


def on_small_disk(folder: Path, size: str, *case: str) -> dict[str, Any]:
    """What a case of this module says that ran with `folder` as a file system of `size`, seen by no one else."""
    folder.mkdir()
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh", size, folder]
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


def full_amid(folder: Path, processes: str) -> dict[str, Any]:
    """A worker that has no byte left after its first epoch, not even for its record; then there is space again."""
    store = Store.create(folder / "store")
    trial = Trial(
        dataset="fake:512x1x8x10", model="resnet8", optimizer="sgd", lr=0.05, weight_decay=5e-4, batch_size=128, m=64,
        augment="basic", epochs=20, seed=0, settings=(("momentum", 0.9),),
    )  # fmt: skip
    store.add([trial])
    log = store.folder(trial.trial_id).log

    def fill_after_an_epoch() -> None:
        while not (log.exists() and "epoch 1/20" in log.read_text(encoding="utf-8")):
            time.sleep(0.01)
        fill(folder)

    threading.Thread(target=fill_after_an_epoch, daemon=True).start()
    job, ranks = Job(store=store.root, launcher="test"), Ranks(per_node=int(processes))
    fault = ""
    try:
        run_trial(job, trial.trial_id, ranks=ranks)
    except MachineFault as error:
        fault = str(error)
    (folder / "filler").unlink()
    between = states(store, [trial.trial_id])[trial.trial_id].status
    again = run_trial(job, trial.trial_id, ranks=ranks).outcome
    rows = query(store, "SELECT outcome, first_epoch FROM attempts ORDER BY attempt").to_pylist()
    return {"fault": fault, "between": between, "again": again, "attempts": rows}


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
    case = {"full_amid": full_amid, "driver": driver}[sys.argv[2]]
    print(json.dumps(case(Path(sys.argv[1]), *sys.argv[3:])))
    sys.stdout.flush()
