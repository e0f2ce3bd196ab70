"""Methods, models and data of one's own on a real cluster, each trial by processes on two nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.store import query
from tests.shared.plugins import SWEEP, write_yardstick
from tests.slurm.runs import Run
from tests.slurm.site.cluster import Cluster


@pytest.mark.slow
@pytest.mark.share(0)
def test_modules_beside_the_sweep_on_two_nodes(slurm: Cluster, tmp_path: Path, afresh: None) -> None:
    write_yardstick(tmp_path)
    run = Run(slurm, tmp_path, f"{SWEEP}resources: {{nodes: 2, time: 10m}}\n")
    run.submit()
    run.wait_until_done()
    (attempt,) = query(run.store, "SELECT world_size, plugins FROM results WHERE variant != 'none'").to_pylist()
    assert attempt["world_size"] == 2
    assert str(tmp_path / "wsam.py") in attempt["plugins"]
    measured = run.sambench("measure", run.file, "--on", "inline")
    assert measured.returncode == 0, measured.stderr
    assert "2 taken" in measured.stderr
