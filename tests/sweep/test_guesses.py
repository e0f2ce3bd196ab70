"""What a sweep says that it guesses is told with everything that is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.sweep import SpecError, Sweep, load
from bench.sweep.grouped_notes import grouped_notes
from bench.sweep.smoke import smoke

SWEEP = """
title: x
recipe: cifar-resnet
grid: {dataset: cifar100, model: resnet56, seed: 1}
methods: [{variant: fisher, scope: only_norm, rho: paper}]
guesses:
  augment basic: not stated
  seed 0: not stated
"""


def written(folder: Path, text: str) -> Sweep:
    file = folder / "sweep.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def test_guesses_of_the_file_of_the_table_and_of_the_recipe(tmp_path: Path) -> None:
    sweep = written(tmp_path, SWEEP)
    lost = ("ρ = 1 for fisher/only_norm on cifar100", "the paper's mark is lost")
    assert sweep.guessed == (("augment basic", "not stated"), ("seed 0", "not stated"), lost)
    assert grouped_notes(sweep) == (
        "augment basic, seed 0: a guess, not stated",
        "ρ = 1 for fisher/only_norm on cifar100: the paper's mark is lost, the value is a guess",
    )
    assert smoke(sweep).guessed == sweep.guessed


def test_a_value_that_the_sweep_writes_is_no_guess_of_the_recipe(tmp_path: Path) -> None:
    imagenet = "title: x\nrecipe: imagenet-resnet50\ngrid: {{seed: 1{}}}\n"
    guessed = {what.partition(" ")[0] for what, _ in written(tmp_path, imagenet.format("")).guessed}
    assert "min_lr" in guessed
    assert {what.partition(" ")[0] for what, _ in written(tmp_path, imagenet.format(", min_lr: 0")).guessed} == (
        guessed - {"min_lr"}
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("guesses: [augment]", "guesses: "),
        ("guesses: {augment: 3}", "guesses.augment: "),
        ("guesses: {augment: [basic]}", "guesses.augment: "),
    ],
)
def test_faulty_guesses_are_named_with_their_place(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(SpecError) as refused:
        written(tmp_path, SWEEP[: SWEEP.index("guesses:")] + text)
    assert fault in str(refused.value)
