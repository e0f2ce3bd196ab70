"""Every plot draws what the store holds, in every format, with n in its title."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.board import make_board
from bench.errors import UserError
from bench.plots import PLOTS, default_kind
from bench.plots.draw import draw
from bench.spec import Sweep, load
from bench.store import Attempt, Store
from bench.store.attempt import record
from bench.store.results import write_history, write_measures

SWEEP = """
title: "Every plot"
grid: {dataset: digits, model: [resnet8, resnet20], optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 64,
       epochs: 3, seed: 3}
methods:
  - {}
  - {variant: sam, scope: [all, only_norm], rho: [0.1, 0.2, 0.4]}
  - {variant: sam, scope: random, rho: 0.1, sparsity: [0.5, 0.9, 0.99]}
  - {variant: sam, scope: only_norm, rho: 0.1, m: [16, 32]}
"""


def value(place: int, seed: int) -> float:
    return 90 + (place * 7 % 11) / 3 + seed / 5


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    file = tmp_path / "every.yaml"
    file.write_text(SWEEP, encoding="utf-8")
    return load(file)


@pytest.fixture
def filled(store: Store, sweep: Sweep) -> Store:
    """A store in which every trial but the last is done."""
    store.add(sweep.trials)
    now = datetime.now(UTC)
    for place, trial in enumerate(sweep.trials[:-1]):
        folder = store.folder(trial.trial_id)
        accuracy = value(place, trial.seed)
        write_measures(folder, {"test_accuracy": accuracy, "val_accuracy": accuracy})
        write_history(
            folder,
            [{"epoch": e, "train_loss": 2 / e, "test_accuracy": accuracy - 10 / e, "seconds": 1.0} for e in (1, 2, 3)],
        )
        attempt = Attempt(
            trial_id=trial.trial_id, attempt=1, outcome="done", started=now, ended=now, wall_s=3.0, launcher="test",
            host="host", pid=os.getpid(), epochs=3, train_s=3.0 + trial.perturbs * 2,
        )  # fmt: skip
        record(folder, attempt)
    return store


@pytest.mark.parametrize("kind", PLOTS)
def test_every_kind_is_drawn_with_its_n(filled: Store, sweep: Sweep, tmp_path: Path, kind: str) -> None:
    outputs = [tmp_path / "deep" / f"plot.{suffix}" for suffix in ("png", "svg", "pdf")]
    draw(filled, sweep, make_board(filled, sweep), kind, outputs)
    for path, magic in zip(outputs, (b"\x89PNG", b"<?xml", b"%PDF"), strict=True):
        assert path.read_bytes().startswith(magic)
    text = outputs[1].read_text(encoding="utf-8")
    # Three seeds, one of which the last method lacks: nothing that differs in ρ or a setting is averaged.
    assert re.search(r"n = (2–)?3\)", text)
    assert "only_norm" in text
    assert "resnet20" in text


@pytest.mark.parametrize(
    ("methods", "kind"),
    [
        ("- {variant: sam, scope: all, rho: [0.1, 0.2]}", "rho"),
        ("- {variant: sam, scope: all, rho: 0.1}", "runtime"),
        ("- {variant: sam, scope: all, rho: 0.1, m: [16, 32]}", "m"),
        ("- {variant: sam, scope: random, rho: 0.1, sparsity: [0.5, 0.9]}", "sparsity"),
    ],
)
def test_the_plot_follows_what_is_varied(tmp_path: Path, methods: str, kind: str) -> None:
    file = tmp_path / "some.yaml"
    file.write_text(SWEEP[: SWEEP.index("methods:")] + f"methods:\n  {methods}\n", encoding="utf-8")
    assert default_kind(load(file).trials) == kind


def test_an_unknown_kind_is_refused(
    tiny_sweep: Path, sambench: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    refused = sambench("plot", tiny_sweep, "--kind", "runtme")
    assert refused.returncode == 2
    assert "--kind: unknown plot 'runtme'; did you mean runtime; valid: rho" in refused.stderr


def test_a_sparsity_that_no_method_has(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    file.write_text(SWEEP[: SWEEP.index("methods:")] + "methods: [{}]\n", encoding="utf-8")
    sweep = load(file)
    with pytest.raises(UserError, match=r"sparsity: no method of .* has one; choose another --kind"):
        draw(store, sweep, make_board(store, sweep), "sparsity", [tmp_path / "plot.png"])
    assert not (tmp_path / "plot.png").exists()
