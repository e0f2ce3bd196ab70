"""The shipped sweeps: trials shared where they coincide, shrunk to seconds, drawn as the paper's exhibits say.

`pytest --share all tests/test_sweeps.py` really runs every one of them, shrunk; every other run of the tests some.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from bench.papers.sam_on.exhibits import EXHIBITS
from bench.sweep import Sweep, load
from bench.sweep.smoke import smoke
from tests.conftest import ROOT

Command = Callable[..., subprocess.CompletedProcess[str]]
FOLDER = ROOT / "sweeps"

NAMES = sorted(file.stem for file in FOLDER.glob("*.yaml"))

TRIALS = {
    "demo": 60,  # (base at two lengths + 5 methods × 2 ρ) × 5
    "methods": 75,
    # As the tables whose ρ they search again: 3 models × 2 augmentations × (SGD + 6 variants × 2 scopes) × 3
    "cifar10-resnets-own-rho": 234,
    "cifar100-resnets-own-rho": 234,
}
"""Sweeps that aren't in the paper; `tests.papers.sam_on.coverage` has the others."""

SHARED = {
    ("rho-cifar100", "cifar100-resnets"): 12,  # ResNet-56, basic, one seed, at 12 chosen ρ
    ("rho-cifar10", "cifar10-resnets"): 12,
    ("rho-cifar-vit", "cifar-vit"): 24,  # ViT-T at 12 chosen ρ × 2 data sets
    ("rho-imagenet-resnet50", "imagenet-resnet50"): 7,  # one seed of 7 methods
    ("rho-imagenet-vit-s32", "imagenet-vit-s32"): 4,  # one seed of 2 methods × 2 optimizers
    ("rho-imagenet-vit-finetune", "imagenet-vit-finetune"): 8,
    ("cifar100-sparse", "cifar100-resnets"): 6,  # all and only_norm
    ("cifar10-sparse", "cifar10-ssam"): 36,  # all of Figure 4, left
    ("cifar100-runtime", "cifar100-resnets"): 18,  # 2 models × (SGD + all + only_norm) × 3
    ("cifar100-sharpness-resnext", "cifar100-resnets"): 15,
    ("cifar100-batch-and-m", "cifar100-resnets"): 6,  # batch size 128 with m 128
    ("cifar100-frozen-norm", "cifar100-resnets"): 6,
    ("cifar100-norm-dropout", "cifar100-resnets"): 6,
    ("cifar100-weight-decay", "cifar100-resnets"): 9,
    ("rho-curves-cifar100", "cifar100-resnets"): 39,  # WRN-28-10, basic, 13 methods × 3
    ("rho-curves-vit", "cifar-vit"): 39,
}


@cache
def sweep(name: str) -> Sweep:
    return load(FOLDER / f"{name}.yaml", planned=True)


def ids(name: str) -> set[str]:
    return {trial.trial_id for trial in sweep(name).trials}


@pytest.mark.parametrize("name", TRIALS)
def test_number_of_trials(name: str) -> None:
    assert len(sweep(name).trials) + len(sweep(name).held) == TRIALS[name]


@pytest.mark.parametrize(("one", "other"), SHARED)
def test_sweeps_share_trials(one: str, other: str) -> None:
    assert len(ids(one) & ids(other)) == SHARED[one, other]


@pytest.mark.parametrize("name", NAMES)
def test_the_head_of_a_file_says_how_many_trials(name: str) -> None:
    head = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").partition("title:")[0]
    assert head.startswith("#")
    if sweep(name).paper:
        assert f"= {len(sweep(name).trials) + len(sweep(name).held)} trials" in head.replace("\n# ", " ")


@pytest.mark.share(8)
@pytest.mark.parametrize("name", NAMES)
def test_a_shrunk_sweep_is_small_and_apart(name: str) -> None:
    shrunk = smoke(sweep(name))
    assert 1 <= len(shrunk.trials) <= 60
    assert {trial.total_epochs for trial in shrunk.trials} == {1}
    assert not {trial.trial_id for trial in shrunk.trials} & ids(name)
    assert shrunk.title.startswith("SMOKE TEST")


@pytest.mark.slow
@pytest.mark.share(2)
@pytest.mark.parametrize("name", NAMES)
def test_a_shrunk_sweep_runs(name: str, sambench: Command, tmp_path: Path) -> None:
    options = (FOLDER / f"{name}.yaml", "--smoke")
    ran = sambench("run", *options, "--on", "inline", "--with-choices")
    assert ran.returncode == 0, ran.stderr
    plan = json.loads(sambench("plan", *options, "--json").stdout)
    assert plan["trials"] == plan["done"] > 0
    assert plan["title"].startswith("SMOKE TEST")
    assert not plan["waiting"]
    assert bool(plan["choices"]) == name.endswith("own-rho")
    board = sambench("board", *options)
    assert "SMOKE TEST" in board.stdout
    assert board.returncode == 0, board.stderr
    views = [view for exhibit in EXHIBITS for view in exhibit.views if view.sweep == name]
    for view in [view for view in views if view.show.startswith("plot")][:1]:
        measured = sambench("measure", *options, "--on", "inline")
        assert measured.returncode == 0, measured.stderr
        drawn = sambench(*view.show.split(), *options, "--output", tmp_path / "plot.png")
        assert drawn.returncode == 0, drawn.stderr
        assert (tmp_path / "plot.png").exists()
