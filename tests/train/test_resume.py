"""A run on CIFAR's files that is interrupted in the middle ends with the weights of one that isn't."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from bench.store import Store
from bench.sweep import load
from tests.conftest import command_environment
from tests.data.formats import write_cifar
from tests.shared.timing import patience, wait_for

pytestmark = pytest.mark.slow
SWEEP = """
title: "Some epochs of CIFAR-10"
recipe: cifar-resnet
grid: {dataset: cifar10, model: resnet20, augment: basic+aa, epochs: 4, batch_size: 20, seed: 1}
methods: [{variant: layerwise_l2, scope: only_norm, rho: paper}]
"""


def test_interrupted_and_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sambench: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    # A trial is known by what its data contain, here as in the commands.
    monkeypatch.setenv("SAMBENCH_DATA", str(tmp_path / "data"))
    write_cifar(tmp_path / "data", 10, images=20)
    sweep = tmp_path / "cifar.yaml"
    sweep.write_text(SWEEP, encoding="utf-8")
    (trial,) = load(sweep).trials
    _interrupt_after_an_epoch(sweep, Store.create(tmp_path / "store").folder(trial.trial_id).log)
    for store in ("store", "whole"):
        done = sambench("run", sweep, "--on", "inline", "--store", store)
        assert done.returncode == 0, done.stderr
    resumed, whole = (
        safetensors.torch.load_file(Store.open(tmp_path / store).folder(trial.trial_id).weights)
        for store in ("store", "whole")
    )
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert "resuming after epoch " in sambench("logs", trial.trial_id).stdout


def _interrupt_after_an_epoch(sweep: Path, log: Path) -> None:
    command = [sys.executable, "-m", "bench", "run", str(sweep), "--on", "inline"]
    with subprocess.Popen(command, cwd=sweep.parent, env=command_environment(sweep.parent)) as process:
        wait_for(lambda: process.poll() is not None or _says(log, "epoch 1/4:"), pause=0.02)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=patience()) == 130


def _says(log: Path, text: str) -> bool:
    return log.exists() and text in log.read_text(encoding="utf-8")


def test_missing_data_are_told_before_anything_is_queued(
    tmp_path: Path, sambench: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    sweep = tmp_path / "cifar.yaml"
    sweep.write_text(SWEEP, encoding="utf-8")
    refused = sambench("run", sweep, "--on", "inline", "--data-root", tmp_path / "elsewhere")
    assert refused.returncode == 2
    assert f"{tmp_path}/elsewhere/cifar-10-batches-py/data_batch_1 is not there" in refused.stderr
    assert not (tmp_path / "store").exists()
