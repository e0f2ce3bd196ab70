"""What tells the trials of one group apart, in words, and how a plan says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from bench.cli.render import overview
from bench.estimate import Estimate
from bench.store import State
from bench.sweep import load
from bench.sweep.varying import differences_in_words

GRID = "title: T\ngrid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.1, weight_decay: 0, batch_size: 64"
WORDS = {
    "epochs: [10, 5], seed: 5}": "epochs 5, 10",
    "epochs: 5, seed: 5}": "",
    "epochs: 5, augment: [none, basic], label_noise: [0.4, 0.2], seed: 2}": (
        "label_noise 0.2, 0.4 × augment none, basic"
    ),
    "seed: 2}\nzip: {epochs: [5, 10], label_noise: [0.2, 0.4]}": "label_noise 0.2, 0.4 with epochs 5, 10",
    "epochs: 5, batch_size: 32, m: [16, 32], seed: 1}": "m 16, –",
    "epochs: 5, seed: 1}\nmethods: [{variant: sam, scope: all, rho: [1, 2], perturb_from: [0, 4]}]": (
        "perturb_from 0, 4"
    ),
    "epochs: 5, seed: 1}\nmethods: [{variant: gsam, scope: all, rho: 1, alpha: [0.1, 0.01]}]": "alpha 0.01, 0.1",
}


@pytest.mark.parametrize("text", WORDS)
def test_what_differs_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(f"{GRID.replace(', batch_size: 64', '') if 'batch_size' in text else GRID}, {text}\n", "utf-8")
    assert differences_in_words(load(file).trials) == WORDS[text]


def planned(sweep: str, width: int) -> list[str]:
    loaded = load(sweep)
    found = {trial.trial_id: State(status="missing") for trial in loaded.trials}
    console = Console(width=width)
    with console.capture() as told:
        console.print(overview.plan(loaded, found, Estimate()))
    return told.get().splitlines()


def test_a_line_of_the_plan_says_what_differs_in_it() -> None:
    lines = planned("sweeps/cheap-sam-digits.yaml", 80)
    place = next(place for place, line in enumerate(lines) if "sgd sam/only_norm" in line)
    assert lines[place].split()[-3:] == ["5", "–", "30"]
    assert lines[place + 1].strip() == "perturb_from 0, 8"
    assert "in every line: augment basic, basic+aa" in planned("sweeps/cifar100-resnets.yaml", 80)


def test_seeds_that_not_all_have_are_a_range(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(f"{GRID}}}\nmethods: [{{epochs: 5, seed: 2}}, {{epochs: 10, seed: 5}}]\n", encoding="utf-8")
    assert next(line.split()[-3:] for line in planned(str(file), 80) if "sgd" in line) == ["2–5", "–", "7"]


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("sweep", ["cifar-vit", "cifar10-sparse", "rho-curves-vit"])
def test_no_number_is_cut(sweep: str, width: int) -> None:
    assert not [line for line in planned(f"sweeps/{sweep}.yaml", width) if "…" in line]
