"""A sweep that chooses its ρ from another's results, where both are queued."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.store import query
from bench.sweep import load
from tests.slurm.runs import Run, wait_for
from tests.slurm.site.cluster import Cluster

SEARCH = """
title: "Search"
recipe: digits-resnet
grid: {model: resnet8, epochs: 1, batch_size: 256, seed: 1}
methods: [{variant: sam, scope: all, rho: [0.1, 0.2]}]
resources: {time: 10m}
"""
USE = """
title: "Use"
recipe: digits-resnet
grid: {model: resnet8, epochs: 1, batch_size: 256, seed: 1}
methods: [{}, {variant: sam, scope: all, epochs: 2, rho: {choose: search}}]
resources: {time: 10m}
"""


@pytest.mark.share(2, of="sweeps on SLURM")
def test_the_search_is_queued_first_and_the_same_command_goes_on(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path, USE)
    (tmp_path / "search.yaml").write_text(SEARCH, encoding="utf-8")
    command = ("run", "sweep.yaml", "--on", "slurm", "--with-choices")
    first = run.sambench(*command)
    assert first.returncode == 0, first.stderr
    assert "2 of 2 trials queued" in first.stderr, "the search"
    assert "1 of 1 trials queued" in first.stderr, "what waits for no choice"
    assert "1 ρ choice is waiting for 2 trials of search" in first.stderr
    assert first.stderr.endswith("when these are done, continue with:\n  sambench " + " ".join(command) + "\n")
    trials = {trial.trial_id for trial in load(tmp_path / "search.yaml").trials}

    def searched() -> bool:
        rows = query(run.store, "SELECT trial_id FROM attempts WHERE outcome = 'done'").to_pylist()
        return trials <= {row["trial_id"] for row in rows}

    wait_for(searched, 240, run.situation)
    again = run.sambench(*command)
    assert again.returncode == 0, again.stderr
    assert "best of 0.1, 0.2 in search by mean val_accuracy" in again.stderr
    assert "continue with" not in again.stderr
    wait_for(lambda: run.outcomes() == ["done"] * 4, 240, run.situation)
