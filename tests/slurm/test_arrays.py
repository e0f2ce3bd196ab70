"""Elements of one array: what happens to one of them is nothing to the others."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from bench.store import query
from bench.store.claims.claim import last_number
from bench.store.progress import read_progress
from cluster.on_slurm.queue_plan import plans
from tests.slurm.runs import LONG, Run, wait_for
from tests.slurm.site.cluster import Cluster


@pytest.mark.share(1, of="what happens to jobs of SLURM")
def test_one_element_is_queued_again_while_the_others_run_on(slurm: Cluster, tmp_path: Path) -> None:
    plain = LONG.replace("variant: sam, scope: only_norm, rho: 0.1, seed: [0]", "seed: 3")
    run = Run(slurm, tmp_path, plain.replace("pause: 0.4", "pause: 0.8"))
    run.submit()
    array = plans(run.store)[0].chunks[0].job
    wait_for(lambda: len(_workers(run)) == 3, 240, run.situation)
    # SLURM calls one element by the number of the whole array, and takes that number for all of them.
    (first,) = [trial for trial, (_, job) in _workers(run).items() if job == array]
    os.kill(_workers(run)[first][0], signal.SIGUSR2)
    run.wait_until_done()
    attempts = query(run.store, "SELECT trial_id, outcome FROM attempts ORDER BY ended").to_pylist()
    for trial in run.sweep.trials:
        outcomes = [attempt["outcome"] for attempt in attempts if attempt["trial_id"] == trial.trial_id]
        assert outcomes == (["preempted", "done"] if trial.trial_id == first else ["done"])


def _workers(run: Run) -> dict[str, tuple[int, str]]:
    """Trials in training: the process that holds each, and the number of the job that it is in."""
    found = {}
    for trial in run.sweep.trials:
        folder = run.store.folder(trial.trial_id)
        at = read_progress(folder)
        if at is None or at.epoch < 1:
            continue
        claim = json.loads(folder.claim(last_number(folder)).read_text(encoding="utf-8"))
        environment = Path(f"/proc/{claim['pid']}/environ").read_bytes().decode(errors="replace").split("\0")
        variables = dict(entry.partition("=")[::2] for entry in environment)
        found[trial.trial_id] = (claim["pid"], variables["SLURM_JOB_ID"])
    return found
