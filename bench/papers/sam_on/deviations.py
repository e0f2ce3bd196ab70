"""Deviations: what a trial does otherwise than the paper, so that its number and the paper's can't be compared."""

from __future__ import annotations

from typing import Any

from bench.papers.sam_on.recipes import RECIPES
from bench.trial import DEFAULTS, FIELDS, Trial, short

_RECIPES = {
    "table2": "imagenet-resnet50", "table3": "cifar-vit", "table4": "imagenet-vit-s32", "table13":
    "imagenet-vit-s16-finetune", "table15": "imagenet-vit-s32",
}  # fmt: skip
"""Table → how its models were trained; the others by `cifar-resnet`."""
_ETA = {"elementwise_l2_orig": 0.01, "fisher": 1.0}
"""η of Table 9; 0 for the other variants that have one."""
_FOLLOWS = {"m": "the whole batch", "perturb_until": "the end"}
"""What the paper has where these follow from other fields."""
_FREE = frozenset(
    {"dataset", "model", "augment", "optimizer", "variant", "scope", "trainable", "rho", "init_from", "seed",
     "settings", "image_size", "norm_rule", "precision", "tf32", "channels_last", "compile"}
)  # fmt: skip
"""Fields that a trial's subject holds, and those that leave it the paper's: how layers are told and numbers rounded."""


def deviations(trial: Trial, table: str) -> list[str]:
    """What the trial does otherwise than the paper, so that their numbers can't be compared."""
    recipe = RECIPES[_RECIPES.get(table, "cifar-resnet")].values
    expected: dict[str, Any] = {**DEFAULTS, **{name: recipe[name] for name in recipe if name in FIELDS}}
    if expected["m"] == expected["batch_size"]:
        expected["m"] = None
    actual = trial.as_written()
    told = {name: expected.get(name) for name in FIELDS if name not in _FREE and actual[name] != expected.get(name)}
    settings = dict(trial.settings)
    wanted = {name: recipe[name] for name in recipe if name not in FIELDS and trial.optimizer == recipe["optimizer"]}
    wanted |= {"eta": _ETA.get(trial.variant, 0.0)}
    told |= {name: wanted[name] for name in wanted if name in settings and settings[name] != wanted[name]}
    values = {**actual, **settings}
    return [
        f"{name} {short(values[name])} (paper: {short(_FOLLOWS.get(name) if told[name] is None else told[name])})"
        for name in told
    ]
