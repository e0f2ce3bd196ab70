"""What a sweep file stands for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.papers.sam_on.rho import RHO
from bench.sweep import Sweep, load

BASE = """
title: "Test"
recipe: digits-resnet
grid: {model: resnet8, seed: 2}
"""

SGD = {"momentum": 0.9, "nesterov": False}


def sweep(tmp_path: Path, text: str, **overrides: str) -> Sweep:
    file = tmp_path / "sweep.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, overrides)


def test_grid_times_union_of_methods(tmp_path: Path) -> None:
    loaded = sweep(
        tmp_path, BASE + "methods: [{}, {variant: [sam, layerwise_l2], scope: [all, only_norm], rho: [1, 2]}]"
    )
    assert Counter(trial.variant for trial in loaded.trials) == {"none": 2, "sam": 8, "layerwise_l2": 8}
    assert {trial.seed for trial in loaded.trials} == {0, 1}


def test_recipe_values_are_resolved_and_overridden(tmp_path: Path) -> None:
    (trial,) = sweep(tmp_path, BASE + "methods: [{lr: 0.3}]", seed="[7]").trials
    assert (trial.lr, trial.weight_decay, trial.seed, dict(trial.settings)) == (0.3, 5e-4, 7, SGD)


def test_the_same_trial_written_twice_is_one(tmp_path: Path) -> None:
    explicit = """
title: "Other words"
blocks:
  - grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 1e-1, momentum: 0.9, weight_decay: 0.0005,
           batch_size: 64, epochs: 20, augment: none, label_noise: 0, seed: [1, 0]}
  - grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.1, weight_decay: 5.0e-4, batch_size: 64,
           epochs: 20, seed: 2}
"""
    by_recipe = {trial.trial_id for trial in sweep(tmp_path, BASE + "methods: [{}]").trials}
    assert {trial.trial_id for trial in sweep(tmp_path, explicit).trials} == by_recipe


def test_a_variant_without_scope_perturbs_all(tmp_path: Path) -> None:
    assert {trial.scope for trial in sweep(tmp_path, BASE + "methods: [{variant: sam, rho: 1}]").trials} == {"all"}


def test_zip_pairs_axes(tmp_path: Path) -> None:
    loaded = sweep(tmp_path, BASE + "zip: {lr: [0.1, 0.2], epochs: [5, 10]}")
    assert {(trial.lr, trial.epochs) for trial in loaded.trials} == {(0.1, 5), (0.2, 10)}


def test_several_zips_are_multiplied(tmp_path: Path) -> None:
    loaded = sweep(tmp_path, BASE + "zip: [{lr: [1, 2], epochs: [5, 10]}, {batch_size: [8, 16], label_noise: [0, 1]}]")
    assert len(loaded.trials) == 2 * 2 * 2


def test_blocks_are_a_union_and_share_what_stands_outside(tmp_path: Path) -> None:
    loaded = sweep(
        tmp_path,
        BASE + "methods: [{}, {variant: sam, rho: 1}]\n"
        "blocks: [{grid: {model: resnet20}}, {grid: {lr: 0.5}, methods: [{}]}]",
    )
    found = Counter((trial.model, trial.lr, trial.variant) for trial in loaded.trials)
    assert found == {("resnet20", 0.1, "none"): 2, ("resnet20", 0.1, "sam"): 2, ("resnet8", 0.5, "none"): 2}


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("{variant: sam, scope: all}", 6),
        ("{seed: 1}", 5),
        ("{variant: [sam], seed: [0]}", 6),
        ("{momentum: 0.9, seed: 1}", 5),
    ],
)
def test_exclude_drops_combinations(tmp_path: Path, pattern: str, left: int) -> None:
    methods = "methods: [{}, {variant: sam, scope: [all, only_norm], rho: [1, 2]}]\n"
    assert len(sweep(tmp_path, BASE + methods + f"exclude: [{pattern}]").trials) == left


def test_yaml_1_2_words_and_numbers(tmp_path: Path) -> None:
    loaded = sweep(tmp_path, BASE.replace('"Test"', "on") + "methods: [{lr: 1e-3}]")
    assert loaded.title == "on"
    assert {trial.lr for trial in loaded.trials} == {0.001}


@pytest.mark.parametrize(
    ("dataset", "model"), [("cifar10", "resnet56"), ("cifar100", "resnet20"), ("cifar10", "vit_mini")]
)
def test_rho_from_the_paper(tmp_path: Path, dataset: str, model: str) -> None:
    text = f"""
title: "Paper"
recipe: cifar-resnet
grid: {{dataset: {dataset}, model: {model}, seed: 1}}
methods: [{{variant: [sam, layerwise_l2, fisher], scope: [all, only_norm], rho: WORD}}]
"""
    table = RHO[dataset, "vit" if model == "vit_mini" else "resnet"]
    chosen = sweep(tmp_path, text.replace("WORD", "paper"))
    assert {(trial.variant, trial.scope): trial.rho for trial in chosen.trials} == {
        key: row.chosen for key, row in table.items() if key[0] in ("sam", "layerwise_l2", "fisher")
    }
    assert any("fisher/only_norm" in note and "guess" in note for note in chosen.notes)
    searched = sweep(tmp_path, text.replace("WORD", "paper-grid"))
    found = sorted(trial.rho for trial in searched.trials if (trial.variant, trial.scope) == ("sam", "only_norm"))
    assert found == sorted(table["sam", "only_norm"].grid)


def test_set_replaces_every_mention(tmp_path: Path) -> None:
    loaded = sweep(tmp_path, BASE + "methods: [{}, {variant: sam, rho: [1, 2]}]", rho="0.5", epochs="[1, 3]")
    assert {trial.rho for trial in loaded.trials} == {None, 0.5}
    assert {trial.epochs for trial in loaded.trials} == {1, 3}


def test_settings_of_a_component_apply_where_it_is_chosen(tmp_path: Path) -> None:
    loaded = sweep(tmp_path, BASE + "methods: [{momentum: 0.5}, {optimizer: adamw}, {variant: fisher, eta: 2, rho: 1}]")
    found = {(trial.optimizer, trial.variant): dict(trial.settings) for trial in loaded.trials}
    assert found["sgd", "none"] == {"momentum": 0.5, "nesterov": False}
    assert found["adamw", "none"] == {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    assert found["sgd", "fisher"] == {**SGD, "eta": 2.0}


@pytest.mark.parametrize("file", sorted(Path(__file__).parents[2].glob("sweeps/*.yaml")), ids=lambda file: file.stem)
def test_every_shipped_sweep_loads(file: Path) -> None:
    assert load(file).trials


def test_a_processor_that_emulates_bfloat16_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.sweep.checks.hints.has_units_for", lambda dtype: dtype == "float32")
    assert not any("bfloat16" in note for note in sweep(tmp_path, BASE).notes)
    notes = sweep(tmp_path, BASE + "methods: [{precision: bfloat16}]").notes
    assert any("bfloat16: this machine's processor has no units for it" in note for note in notes)
