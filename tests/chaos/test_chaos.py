"""A short seeded share of the chaos; `make chaos` has all kinds and goes on for as long as one likes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.tally import Tally, total
from tests.conftest import ROOT


def play(folder: Path, *options: object) -> Tally:
    """A campaign, which must find nothing; what it counted."""
    record = folder / "record.jsonl"
    command = [sys.executable, "-m", "tests.chaos", "--record", record, "--folder", folder, "--seed", 7, *options]
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=480,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return total(record)


@pytest.mark.share(1, of="chaos")
@pytest.mark.slow
def test_killed_writers_compaction_merge_export_and_measuring_lose_nothing(tmp_path: Path) -> None:
    work = ("--kinds", "recorded", "--rounds", 1, "--round-seconds", 10, "--pace", 0.1, "--writers", 6, "--seeds", 4)
    found = play(tmp_path, *work)
    assert found.trials == {"recorded": 12}
    assert found.kills()
    assert found.answers["recorded"]


@pytest.mark.share(1, of="chaos")
@pytest.mark.slow
def test_killed_drivers_train_every_trial_once_and_to_the_bit(tmp_path: Path) -> None:
    found = play(tmp_path, "--kinds", "inline", "--rounds", 1, "--round-seconds", 8, "--trained", 1, "--epochs", 8)
    assert found.trials == {"inline": 3}
    assert found.kills()


@pytest.mark.share(1, of="chaos")
@pytest.mark.slow
def test_a_damaged_file_is_told_and_no_number_is_wrong(tmp_path: Path) -> None:
    kinds = ("trial.json", "record", "history", "manifest", "compacted attempts", "compacted results", "checkpoint")
    found = play(tmp_path, "--kinds", "damage", "--rounds", 1, "--damages", len(kinds), "--files", *kinds)
    assert found.damages == dict.fromkeys(kinds, 1)


def test_campaigns_add_up(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    for _ in range(2):
        one = Tally()
        one.roles["ray actor"] += 3
        one.roles["slurm worker"] += 1
        one.findings.append("lost: a trial")
        one.record(file, seed=1)
    assert (total(file).kills(), total(file).kills("ray")) == (8, 6)
    assert total(file).findings == ["lost: a trial"] * 2
