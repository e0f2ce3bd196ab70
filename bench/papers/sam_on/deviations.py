"""Deviations: how a trial differs from the paper, so that its number can't be compared."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from bench.optim.registry import OPTIMIZERS
from bench.papers.sam_on.recipes import RECIPES
from bench.papers.sam_on.rho import RHO
from bench.trial import DEFAULTS, FIELDS, Trial, short
from bench.trial.content import weights_identity, without_content

_RECIPES = {
    "table2": "imagenet-resnet50", "table3": "cifar-vit", "table4": "imagenet-vit-s32", "table13":
    "imagenet-vit-s16-finetune", "table15": "imagenet-vit-s32",
}  # fmt: skip
"""Table → how its models were trained; the others by `cifar-resnet`."""
_FAMILIES = {"cifar-vit": "vit", "imagenet-vit-s32": "vit", "imagenet-vit-s16-finetune": "fine-tuned vit"}
"""Recipe → column of RHO; `resnet` for the others."""
_ETA = {"elementwise_l2_orig": 0.01, "fisher": 1.0}
"""η of Table 9; 0 for the other variants that have one."""
_FOLLOWS = {"m": "the whole batch", "perturb_until": "the end", "image_size": "the data set's own"}
"""What the paper has where these follow from other fields."""
_FREE = frozenset(
    {"dataset", "model", "augment", "optimizer", "variant", "scope", "trainable", "rho", "init_from", "seed",
     "settings", "norm_rule", "precision", "tf32", "channels_last", "compile"}
)  # fmt: skip
"""Fields that a trial's subject holds, those with a rule of their own, and those that leave it the paper's: how
layers are told and numbers rounded."""


def deviations(trial: Trial, table: str) -> list[str]:
    """What the trial does otherwise than the paper, so that their numbers can't be compared."""
    name = _RECIPES.get(table, "cifar-resnet")
    recipe = RECIPES[name].values
    told = [*_fields(trial, recipe), *_settings(trial, recipe), *_radius(trial, _FAMILIES.get(name, "resnet"))]
    return [f"{field} {short(value)} (paper{text})" for field, value, text in told]


_Told = tuple[str, Any, str]
"""Field, value of the trial, and what the paper has."""


def _fields(trial: Trial, recipe: dict[str, Any]) -> Iterator[_Told]:
    expected: dict[str, Any] = {**DEFAULTS, **{name: recipe[name] for name in recipe if name in FIELDS}}
    if expected["m"] == expected["batch_size"]:
        expected["m"] = None
    if expected["preprocessing"] == trial.usual_preprocessing:
        expected["preprocessing"] = None
    actual = trial.as_written()
    for name in FIELDS:
        if name not in _FREE and actual[name] != expected.get(name):
            wanted = expected.get(name)
            yield name, actual[name], f": {short(_FOLLOWS.get(name) if wanted is None else wanted)}"
    if trial.init_from and weights_identity(trial.init_from) != recipe.get("init_from", ""):
        yield "init_from", without_content(trial.init_from), f": {recipe.get('init_from') or 'from scratch'}"


def _settings(trial: Trial, recipe: dict[str, Any]) -> Iterator[_Told]:
    """Settings of the optimizer are the recipe's, and where it has none, those that everybody has by default."""
    entry = OPTIMIZERS.get(trial.optimizer)
    wanted: dict[str, Any] = {name: each.default for name, each in entry.settings.items()} if entry else {}
    others = OPTIMIZERS[recipe["optimizer"]].settings if trial.optimizer != recipe["optimizer"] else {}
    wanted |= {name: value for name, value in recipe.items() if name not in FIELDS and name not in others}
    wanted |= {"eta": _ETA.get(trial.variant, 0.0)}
    for name, value in trial.settings:
        if name in wanted and value != wanted[name]:
            yield name, value, f": {short(wanted[name])}"


def _radius(trial: Trial, family: str) -> Iterator[_Told]:
    """ρ, where the paper searched it in a grid; the few that it trains norm layers alone with are subjects."""
    row = RHO.get((trial.dataset, family), {}).get((trial.variant, trial.scope))
    if row is None or trial.rho is None or trial.trainable != "all":
        return
    if not any(math.isclose(trial.rho, rho) for rho in row.grid):
        yield "rho", trial.rho, f"'s grid: {', '.join(map(short, map(float, row.grid)))}"
