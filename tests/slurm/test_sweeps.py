"""Sweeps on a real cluster of two nodes: arrays in chunks, and the answers of other launchers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.store import query
from tests.slurm.runs import SHORT, Run, processes_of, wait_for
from tests.slurm.site.cluster import Cluster

ARRAYS = """
title: "More trials than an array may have elements"
grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 512, epochs: 1}
methods:
  - {variant: [sam, layerwise_l2], scope: [all, only_norm], rho: 0.1, seed: 2}
resources: {max_parallel: 2, time: 10m}
"""
TWO_NODES = """
title: "One trial on two nodes"
grid: {dataset: "fake:600x1x8x10", model: vit_mini, optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 128,
       m: 64, epochs: 2, augment: basic}
methods: [{variant: sam, scope: only_norm, rho: 0.1, seed: [0]}]
resources: {nodes: 2, time: 10m}
"""
RAISING = """
from bench.sam.scopes.scope import Scope


class Raising(Scope):
    def select(self):
        raise RuntimeError("on purpose")
"""


@pytest.mark.share(2, of="sweeps on SLURM")
def test_trials_in_several_arrays_and_by_other_launchers(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path, ARRAYS)
    few = ("--profile-file", run.profile(max_array_size=5))
    run.submit(*few)
    assert processes_of(tmp_path / "store") == [] or run.own_jobs(), "nobody but the cluster works on it"
    queued = run.sambench("run", run.file, "--on", "slurm", *few)
    assert queued.returncode == 0
    assert len(list((tmp_path / "store" / "queued").glob("*.json"))) <= 2, queued.stderr
    seen: list[int] = []

    def finished() -> bool:
        seen.append(sum("RUNNING" in job for job in run.own_jobs()))
        return query(run.store, "SELECT count(*) AS n FROM attempts").to_pylist()[0]["n"] >= 8

    wait_for(finished, 240, run.situation)
    run.wait_until_done()
    assert 1 <= max(seen) <= 2
    assert run.outcomes() == ["done"] * 8
    assert "8 trials: 8 done" in run.sambench("run", run.file, "--on", "slurm", *few).stderr
    accuracies = "SELECT trial_id, test_accuracy, val_accuracy FROM results ORDER BY trial_id"
    ours = query(run.store, accuracies).to_pylist()
    for launcher in ("ray", "inline"):
        done = run.sambench("run", run.file, "--on", launcher, "--store", launcher)
        assert done.returncode == 0, done.stderr
        assert query(type(run.store).open(tmp_path / launcher), accuracies).to_pylist() == ours


@pytest.mark.share(2, of="sweeps on SLURM")
def test_one_trial_on_two_nodes(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path, TWO_NODES)
    run.submit()
    run.wait_until_done()
    (attempt,) = query(run.store, "SELECT world_size, launcher FROM attempts").to_pylist()
    assert attempt == {"world_size": 2, "launcher": "slurm"}
    refused = run.sambench("run", run.file, "--on", "inline", "--store", "refused")
    assert refused.returncode == 2
    assert "several nodes are asked for and this is one machine" in refused.stderr
    (tmp_path / "alone").mkdir()
    alone = Run(slurm, tmp_path / "alone", TWO_NODES.replace("nodes: 2, ", ""))
    assert alone.sambench("run", alone.file, "--on", "inline").returncode == 0
    columns = "SELECT epoch, train_loss, perturbed_loss, test_loss, test_accuracy FROM history ORDER BY epoch"
    for ours, theirs in zip(
        query(run.store, columns).to_pylist(), query(alone.store, columns).to_pylist(), strict=True
    ):
        assert ours == pytest.approx(theirs, rel=1e-3)


@pytest.mark.share(2, of="sweeps on SLURM")
def test_a_process_that_raises_has_its_traceback_in_the_log(slurm: Cluster, tmp_path: Path, afresh: None) -> None:
    (tmp_path / "raising.py").write_text(RAISING, encoding="utf-8")
    run = Run(slurm, tmp_path, TWO_NODES.replace("only_norm", "'raising:Raising'"))
    run.submit()
    wait_for(lambda: run.outcomes() == ["error"], 240, run.situation)
    logged = run.sambench("logs", run.sweep.trials[0].trial_id).stdout
    assert "Traceback" in logged
    assert "RuntimeError: on purpose" in logged


@pytest.mark.share(1)
@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"partition": "none"}, "Invalid partition name"),
        ({"account": "none"}, "Invalid account"),
        ({"options": {"nodelist": "n9"}}, "Invalid node name"),
    ],
)
def test_what_slurm_refuses_is_told_once_in_its_words(
    slurm: Cluster, tmp_path: Path, profile: dict[str, object], words: str
) -> None:
    run = Run(slurm, tmp_path, ARRAYS)
    refused = run.sambench("run", run.file, "--on", "slurm", "--profile-file", run.profile(**profile))
    assert refused.returncode == 2
    assert refused.stderr.count(words) == 1, refused.stderr
    assert "0 of 8 trials queued" in refused.stderr


@pytest.mark.share(2, of="sweeps on SLURM")
def test_a_submission_that_a_limit_cuts_short_is_taken_up_again(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path, SHORT.replace("seed: [0]", "seed: 12"))
    # Ten jobs may be in the queue of this QOS; arrays of six.
    command = ("run", run.file, "--on", "slurm", "--profile-file", run.profile(qos="small", max_array_size=6))
    first = run.sambench(*command)
    assert first.returncode == 2, first.stderr
    assert "6 of 12 trials queued" in first.stderr
    assert "run it again to queue the rest" in first.stderr
    wait_for(lambda: run.outcomes().count("done") >= 6 and not run.own_jobs(), 240, run.situation)
    for _ in range(3):
        run.sambench(*command)
        wait_for(lambda: not run.own_jobs(), 240, run.situation)
    run.wait_until_done()


@pytest.mark.share(2, of="sweeps on SLURM")
def test_a_store_that_nodes_do_not_see(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path)
    hidden = f'mv "{tmp_path}/store/queued" "{tmp_path}/elsewhere"'
    script = run.sambench("run", run.file, "--on", "slurm", "--dry-run").stdout
    assert "is not visible on" in script
    assert hidden not in script
    job = tmp_path / "job.sh"
    job.write_text(script, encoding="utf-8")
    done = slurm.run("sbatch", "--wait", f"--output={tmp_path}/out", str(job), check=False, patience=60)
    assert done.returncode == 78
    assert "the store must lie on a shared file system" in (tmp_path / "out").read_text(encoding="utf-8")
