"""Truth: what a store must say in the end, known before anything is disturbed."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.store import Store, query
from bench.sweep import load
from bench.trial import Trial
from tests.chaos.command import sambench

SWEEP = """
title: "{title}"
grid: {{dataset: "{dataset}", model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: {batch}}}
methods:
  - {{epochs: {epochs}, seed: {seeds}}}
  - {{epochs: {epochs}, variant: sam, scope: [all, only_norm], rho: 0.1, seed: {seeds}}}
retries: {{crashed: 100000, lost: 100000, error: 100000}}
resources: {{gpus: 0, time: 10m, trials_per_job: 1}}
"""
RECORDED_EPOCHS = 3


@dataclass(frozen=True)
class Truth:
    """The trials of a sweep and how each must end."""

    sweep: Path
    accuracy: dict[str, float]
    """On the test split, %, by trial."""
    weights: dict[str, str]
    """Digest of the file, by trial."""
    epochs: int

    @property
    def trials(self) -> dict[str, Trial]:
        """What each trial is."""
        return {trial.trial_id: trial for trial in load(self.sweep).trials}


def recorded(sweep: Path, seeds: int) -> Truth:
    """Of trials that no network is trained for: each number follows from the trial's id."""
    _write(sweep, title="Recorded", dataset="digits", batch=256, epochs=RECORDED_EPOCHS, seeds=seeds)
    ids = [trial.trial_id for trial in load(sweep).trials]
    weights = {trial_id: hashlib.sha256(recorded_weights(trial_id)).hexdigest() for trial_id in ids}
    return Truth(sweep, {trial_id: recorded_accuracy(trial_id) for trial_id in ids}, weights, RECORDED_EPOCHS)


def recorded_accuracy(trial_id: str) -> float:
    """Any number that differs between trials and needs all digits of a float."""
    return 50 + 50 * int(trial_id, 16) / 2**64


def recorded_weights(trial_id: str, epoch: int = RECORDED_EPOCHS) -> bytes:
    """Depends on every epoch before it, as weights do."""
    state = trial_id.encode()
    for _ in range(epoch):
        state = hashlib.sha256(state).digest()
    return state * 8


def trained(folder: Path, seeds: int, epochs: int, dataset: str) -> Truth:
    """Of trials that are trained undisturbed, once, in this process; kept in the folder for the next campaign."""
    folder.mkdir(parents=True, exist_ok=True)
    sweep, known = folder / "sweep.yaml", folder / "truth.json"
    if not known.exists():
        _write(sweep, title="Trained", dataset=dataset, batch=32, epochs=epochs, seeds=seeds)
        answer = sambench("run", sweep, "--on", "inline", "--store", folder / "undisturbed")
        assert answer.code == 0, answer.err
        store = Store.open(folder / "undisturbed")
        rows = query(store, "SELECT trial_id, test_accuracy FROM results").to_pylist()
        accuracy = {row["trial_id"]: row["test_accuracy"] for row in rows}
        weights = {trial_id: digest(store.folder(trial_id).weights) for trial_id in accuracy}
        known.write_text(json.dumps({"accuracy": accuracy, "weights": weights}), encoding="utf-8")
        shutil.rmtree(store.root)
    return Truth(sweep, epochs=epochs, **json.loads(known.read_text(encoding="utf-8")))


def digest(path: Path) -> str:
    """Of a whole file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(sweep: Path, **values: object) -> None:
    sweep.parent.mkdir(parents=True, exist_ok=True)
    sweep.write_text(SWEEP.format(**values), encoding="utf-8")
