"""The shipped sweeps: as many trials as the paper's text implies, shared where they coincide, shrunk to seconds.

`pytest --share all tests/test_sweeps.py` really runs every one of them, shrunk; every other run of the tests some.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from bench.sweep import Sweep, load
from bench.sweep.smoke import smoke
from tests.conftest import ROOT

Command = Callable[..., subprocess.CompletedProcess[str]]
FOLDER = ROOT / "sweeps"

# A table has the base optimizer and 6 variants × 2 scopes: 13 methods. 3 seeds unless said.
TRIALS = {
    "cifar-vgg-densenet": 312,  # Table 11: 2 data sets × 4 models × 13 × 3
    "cifar-vit": 156,  # Table 3: 2 data sets × 2 models × 13 × 3
    "cifar10-resnets": 234,  # Table 10: 3 models × 2 augmentations × 13 × 3
    "cifar10-resnets-own-rho": 234,
    "cifar10-train-only-norm": 6,  # Table 17: 2 models × (SGD + 2 ρ) × 1 seed, without std
    "cifar100-batch-and-m": 81,  # Figure 4, right: 9 pairs × (SGD + all + only_norm) × 3
    "cifar100-frozen-norm": 15,  # App. B.7: (2 subsets × (SGD + all) + only_norm) × 3
    "cifar100-norm-dropout": 45,  # App. B.9: (3 rates + 2 subsets) × (SGD + all + only_norm) × 3
    "cifar100-random-masks": 39,  # Figure 4, left: (SGD + all + only_norm + 5 sparsities × 2 ρ) × 3
    "cifar100-random-masks-resnext": 39,  # Figure 8: the same
    "cifar100-resnets": 234,  # Table 1: 3 models × 2 augmentations × 13 × 3
    "cifar100-resnets-own-rho": 234,
    "cifar100-robustness": 15,  # Table 14: (SGD + 2 variants × 2 scopes) × 3
    "cifar100-runtime": 21,  # Figure 3: (SGD + all + only_norm + B1, B2, B3, B2+B3) × 3
    "cifar100-sharpness": 15,  # Tables 6 and 19: the same
    "cifar100-sharpness-resnext": 15,  # Table 18: the same of another model
    "cifar100-sparse": 15,  # Table 5: (all + only_norm + random + SSAM-F at 2 sparsities) × 3
    "cifar100-ssam": 21,  # Table 12: Table 5 + SSAM-D at 2 sparsities × 3
    "demo": 114,  # 2 models × (base + 6 × 3 ρ) × 3
    "imagenet-resnet50": 24,  # Table 2: (SGD + sam all + 3 variants × 2 scopes) × 3, without the 2 copied rows
    "imagenet-vit-finetune": 9,  # Table 13: (SGD + 4 variants × 2 scopes) × 1 seed, without std
    "methods": 75,
    "rho-cifar-vit": 360,  # Table 7: 2 data sets × 12 rows of 5 × 3
    "rho-cifar10": 162,  # Table 7: (3+3 + 5+5 + 5+5 + 4+4 + 5+5 + 5+5) × 3
    "rho-cifar100": 153,  # Table 7: (4+4 + 5+5 + 4+4 + 4+4 + 4+4 + 4+5) × 3
    "rho-curves-cifar10": 246,  # Figure 6: (SGD + 54 + no_norm 3+5+5+4+5+5) × 3
    "rho-curves-cifar100": 231,  # Figure 1: (SGD + 51 + no_norm 4+5+4+4+4+4) × 3
    "rho-curves-cifar100-resnext": 156,  # Figure 2: (SGD + 51) × 3
    "rho-curves-vit": 183,  # Figure 7: (AdamW + 60) × 3
    "rho-imagenet-resnet50": 11,  # 1 + 1+1 + 2+2 + 2+2, the values named in the text, 1 seed
    "rho-imagenet-vit-finetune": 23,  # 3+3 + 3+3 + 3+2 + 3+3, the values named in the text, 1 seed
}

SHARED = {
    ("rho-cifar100", "cifar100-resnets"): 36,  # ResNet-56, basic, at 12 chosen ρ × 3
    ("rho-cifar10", "cifar10-resnets"): 36,
    ("rho-cifar-vit", "cifar-vit"): 72,  # ViT-T at 12 chosen ρ × 2 data sets × 3
    ("rho-imagenet-resnet50", "imagenet-resnet50"): 7,  # one seed of 7 methods
    ("rho-imagenet-vit-finetune", "imagenet-vit-finetune"): 8,
    ("cifar100-sparse", "cifar100-ssam"): 15,  # all of Table 5
    ("cifar100-sparse", "cifar100-resnets"): 6,  # all and only_norm
    ("cifar100-sparse", "cifar100-random-masks"): 9,  # and the mask as sparse as only_norm
    ("cifar100-runtime", "cifar100-resnets"): 9,
    ("cifar100-sharpness", "cifar100-resnets"): 15,  # all of them
    ("cifar100-sharpness", "cifar100-robustness"): 15,
    ("cifar100-sharpness-resnext", "cifar100-resnets"): 15,
    ("cifar100-batch-and-m", "cifar100-resnets"): 9,  # batch size 128 with m 128
    ("cifar100-frozen-norm", "cifar100-resnets"): 9,
    ("cifar100-norm-dropout", "cifar100-resnets"): 9,
    ("rho-curves-cifar100", "cifar100-resnets"): 39,  # WRN-28-10, basic, 13 methods × 3
    ("rho-curves-cifar100-resnext", "cifar100-resnets"): 39,
    ("rho-curves-cifar10", "cifar10-resnets"): 39,
    ("rho-curves-vit", "cifar-vit"): 39,
}


@cache
def sweep(name: str) -> Sweep:
    return load(FOLDER / f"{name}.yaml")


def ids(name: str) -> set[str]:
    return {trial.trial_id for trial in sweep(name).trials}


def test_every_file_is_counted() -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.yaml")) == sorted(TRIALS)


@pytest.mark.parametrize("name", TRIALS)
def test_number_of_trials(name: str) -> None:
    assert len(sweep(name).trials) + len(sweep(name).held) == TRIALS[name]


@pytest.mark.parametrize(("one", "other"), SHARED)
def test_sweeps_share_trials(one: str, other: str) -> None:
    assert len(ids(one) & ids(other)) == SHARED[one, other]


@pytest.mark.parametrize("name", TRIALS)
def test_the_head_of_a_file_says_how_many_trials(name: str) -> None:
    head = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").partition("title:")[0]
    assert head.startswith("#")
    if sweep(name).paper:
        assert f"= {TRIALS[name]} trials" in head.replace("\n# ", " ")


@pytest.mark.share(8)
@pytest.mark.parametrize("name", TRIALS)
def test_a_shrunk_sweep_is_small_and_apart(name: str) -> None:
    shrunk = smoke(sweep(name))
    assert 1 <= len(shrunk.trials) <= 60
    assert {trial.total_epochs for trial in shrunk.trials} == {1}
    assert not {trial.trial_id for trial in shrunk.trials} & ids(name)
    assert shrunk.title.startswith("SMOKE TEST")


@pytest.mark.slow
@pytest.mark.share(2)
@pytest.mark.parametrize("name", TRIALS)
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
