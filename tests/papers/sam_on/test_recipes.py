"""The paper's recipes, field by field, and the learning rates that follow from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from timm.scheduler import CosineLRScheduler
from torch import nn
from torch.optim import SGD

from bench.papers.sam_on.recipes import RECIPES
from bench.sweep import load
from bench.train.schedule import learning_rate
from bench.trial import Trial

SGD_SETTINGS = {"momentum": 0.9, "nesterov": False}
INCEPTION = {"color_jitter": 0.4, "crop_interpolation": "random"}
NESTEROV = {"momentum": 0.9, "nesterov": True, **INCEPTION}
ADAMW_SETTINGS = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
IMAGENET = {
    "dataset": "imagenet", "image_size": None, "augment": "inception", "label_smoothing": 0.1, "min_lr": 1e-5,
    "warmup_lr": 1e-4, "preprocessing": "model", "weight_decay_on": "matrices", "drop_last": True, "bn_stats": "both",
    "val_fraction": 0.0, "norm_rule": "type", "precision": "float32", "tf32": False,
}  # fmt: skip
COLUMNS = {
    "cifar-resnet": {
        "optimizer": "sgd", "settings": SGD_SETTINGS, "lr": 0.1, "weight_decay": 5e-4, "batch_size": 128, "m": 128,
        "epochs": 200, "warmup_epochs": 0, "cooldown_epochs": 0, "label_smoothing": 0.1, "augment": "basic",
        "min_lr": 0.0, "weight_decay_on": "all", "bn_stats": "both", "val_fraction": 0.0, "drop_last": False,
        "preprocessing": "dataset", "precision": "float32", "tf32": False,
    },
    "cifar-resnet-ssam": {
        "optimizer": "sgd", "settings": SGD_SETTINGS, "lr": 0.05, "weight_decay": 1e-3, "batch_size": 128, "m": 128,
        "epochs": 200, "warmup_epochs": 0, "cooldown_epochs": 0, "label_smoothing": 0.0, "augment": "basic+cutout",
        "min_lr": 0.0, "weight_decay_on": "all", "bn_stats": "both", "drop_last": True,
        "preprocessing": "cifar10_pixels",
    },
    "cifar-vit": {
        "optimizer": "adamw", "settings": ADAMW_SETTINGS, "lr": 1e-4, "weight_decay": 5e-4, "batch_size": 64, "m": 64,
        "epochs": 200, "warmup_epochs": 0, "cooldown_epochs": 0, "label_smoothing": 0.1, "augment": "basic+aa",
        "min_lr": 0.0, "weight_decay_on": "all", "drop_last": False, "preprocessing": "dataset",
    },
    "imagenet-resnet50": {
        **IMAGENET, "model": "resnet50", "optimizer": "sgd", "settings": NESTEROV | {"zero_init": True}, "lr": 0.2,
        "weight_decay": 1e-4, "batch_size": 512, "m": 64, "epochs": 90, "warmup_epochs": 3, "cooldown_epochs": 10,
    },
    "imagenet-vit-s32": {
        **IMAGENET, "model": "vit_s32", "optimizer": "adamw", "settings": ADAMW_SETTINGS | INCEPTION, "lr": 1e-3,
        "weight_decay": 0.1, "batch_size": 128, "m": 128, "epochs": 300, "warmup_epochs": 10, "cooldown_epochs": 0,
    },
    "imagenet-vit-s16-finetune": {
        **IMAGENET, "model": "vit_s16", "optimizer": "sgd", "settings": NESTEROV, "lr": 0.017,
        "weight_decay": 1e-4, "batch_size": 896, "m": 128, "epochs": 9, "warmup_epochs": 1, "cooldown_epochs": 0,
    },
}  # fmt: skip
"""The columns of the paper's table of recipes."""
RESNET = "{dataset: cifar10, model: resnet56}"
MISSING = {"cifar-resnet": RESNET, "cifar-resnet-ssam": RESNET, "cifar-vit": "{dataset: cifar100, model: vit_t4}"}


def trial_of(recipe: str, tmp_path: Path, **overrides: str) -> Trial:
    file = tmp_path / "sweep.yaml"
    grid = MISSING.get(recipe, "{}")
    file.write_text(f"title: x\nrecipe: {recipe}\nmethods: [{{seed: [0]}}]\n", encoding="utf-8")
    if grid != "{}":
        file.write_text(file.read_text(encoding="utf-8") + f"grid: {grid}\n", encoding="utf-8")
    (trial,) = load(file, overrides).trials
    return trial


@pytest.mark.parametrize("recipe", COLUMNS)
def test_a_recipe_resolves_to_its_column(tmp_path: Path, recipe: str) -> None:
    resolved = trial_of(recipe, tmp_path).as_dict()
    assert {name: resolved[name] for name in COLUMNS[recipe]} == COLUMNS[recipe]
    assert resolved["variant"] == "none"


def test_every_column_is_a_recipe() -> None:
    assert set(COLUMNS) == {name for name in RECIPES if not name.startswith("digits")}


def test_guesses_are_marked() -> None:
    guessed = {name: set(recipe.guesses) for name, recipe in RECIPES.items() if recipe.guesses}
    shared = {"min_lr", "warmup_lr", "color_jitter"}
    assert guessed == {
        "cifar-resnet-ssam": {"lr", "weight_decay", "drop_last", "label_smoothing", "augment", "preprocessing"},
        "imagenet-resnet50": shared | {"nesterov"},
        "imagenet-vit-s32": shared | {"beta1", "beta2"},
        "imagenet-vit-s16-finetune": shared | {"init_from", "nesterov"},
    }


def test_any_field_of_a_recipe_can_be_overridden(tmp_path: Path) -> None:
    trial = trial_of("imagenet-resnet50", tmp_path, epochs="5", image_size="64", m="512")
    assert (trial.epochs, trial.image_size, trial.m, trial.total_epochs) == (5, 64, 512, 15)


def test_fast_stands_for_what_keeps_accuracy_and_gives_way_to_what_is_written(tmp_path: Path) -> None:
    fast = trial_of("cifar-resnet", tmp_path, fast="true")
    assert (fast.precision, fast.channels_last, fast.tf32, fast.compile) == ("bfloat16", True, True, False)
    written = trial_of("cifar-resnet", tmp_path, fast="true", precision="float32")
    assert (written.precision, written.channels_last) == ("float32", True)
    exact = trial_of("cifar-resnet", tmp_path, fast="false")
    assert exact.trial_id == trial_of("cifar-resnet", tmp_path).trial_id


@pytest.mark.parametrize("recipe", COLUMNS)
def test_learning_rates_are_timms(tmp_path: Path, recipe: str) -> None:
    trial = trial_of(recipe, tmp_path)
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=trial.lr)
    timm = CosineLRScheduler(
        optimizer,
        t_initial=trial.epochs,
        lr_min=trial.min_lr,
        warmup_t=trial.warmup_epochs,
        warmup_lr_init=trial.warmup_lr,
    )
    for epoch in range(1, trial.total_epochs + 1):
        timm.step(epoch - 1)
        assert learning_rate(trial, epoch) == pytest.approx(optimizer.param_groups[0]["lr"]), epoch


def test_the_first_epoch_of_a_run_has_the_full_rate_and_the_last_nearly_none(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial(lr=0.1, epochs=200)
    assert learning_rate(trial, 1) == 0.1
    assert learning_rate(trial, 101) == pytest.approx(0.05)
    assert 0 < learning_rate(trial, 200) < 1e-5


def test_pretrained_weights_are_known_by_their_content(tmp_path: Path) -> None:
    for name, content in (("a.pt", b"one"), ("b.pt", b"one"), ("c.pt", b"two")):
        (tmp_path / name).write_bytes(content)
    ids = [trial_of("cifar-resnet", tmp_path, init_from=str(tmp_path / f"{name}.pt")).trial_id for name in "abc"]
    assert ids[0] == ids[1] != ids[2]
    assert trial_of("cifar-resnet", tmp_path).trial_id not in ids
