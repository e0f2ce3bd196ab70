"""Trials, sweeps and results that a number of the paper is about."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.papers.sam_on.numbers import PaperCell, numbers
from bench.papers.sam_on.recipes import RECIPES
from bench.papers.sam_on.rho import RHO
from bench.resources import Resources, Retries
from bench.sweep import Sweep
from bench.trial import FIELDS, NONE, Trial

ETA = {"elementwise_l2_orig": 0.01, "fisher": 1.0, "elementwise_l2": 0.0, "elementwise_linf": 0.0, "layerwise_l2": 0.0}
TABLES = sorted({cell.table for cell in numbers().cells}, key=lambda name: int(name.removeprefix("table")))
RECIPE = {
    "table2": "imagenet-resnet50",
    "table3": "cifar-vit",
    "table4": "imagenet-vit-s32",
    "table13": "imagenet-vit-s16-finetune",
    "table15": "imagenet-vit-s32",
}


def trials_of(cell: PaperCell) -> list[Trial]:
    """Three seeds of what the cell is about, trained as the paper does."""
    recipe = RECIPES[RECIPE.get(cell.table, "cifar-resnet")].values
    subject = dataclasses.asdict(cell.subject)
    finetuned, sparsity = subject.pop("finetuned"), subject.pop("sparsity")
    settings = {"momentum": 0.9} if subject["optimizer"] == "sgd" else {"beta1": 0.9, "beta2": 0.99}
    if subject["optimizer"] == "adamw":
        settings["beta2"] = 0.999
    settings |= {"eta": ETA[subject["variant"]]} if subject["variant"] in ETA else {}
    settings |= {"sparsity": sparsity} if sparsity is not None else {}
    fields = {name: recipe[name] for name in recipe if name in FIELDS} | subject
    fields["init_from"] = recipe.get("init_from", "") if finetuned else ""
    family = {"cifar-vit": "vit", "imagenet-vit-s16-finetune": "fine-tuned vit"}.get(
        RECIPE.get(cell.table, ""), "vit" if "vit" in subject["model"] else "resnet"
    )
    row = RHO.get((subject["dataset"], family), {}).get((subject["variant"], subject["scope"]))
    fields["rho"] = subject["rho"] or (None if subject["variant"] == NONE else row.chosen if row else 0.1)
    return [Trial(**fields, seed=seed, settings=tuple(sorted(settings.items()))) for seed in range(3)]


def sweep_of(table: str, measure: str, cells: Sequence[PaperCell]) -> Sweep:
    trials = {trial.trial_id: trial for cell in cells for trial in trials_of(cell)}
    plain: dict[str, Any] = {field.name: None for field in dataclasses.fields(Sweep)}
    known = {"name": table, "file": Path(f"{table}.yaml"), "title": table, "trials": tuple(trials.values())}
    known |= {"measures": (measure,), "resources": Resources(), "retries": Retries(), "paper": table, "notes": ()}
    return Sweep(**(plain | known | {"guesses": frozenset(), "choices": ()}))


def results_of(cells: Sequence[PaperCell], stds: float) -> dict[str, dict[str, Any]]:
    """Per trial its result: mean − std, mean, mean + std have exactly that mean and sample std."""
    results = {}
    for cell in cells:
        std = cell.std or 0.0
        # A printed 0.0 stands for less than half a unit: a shift by 5 of them would be none.
        shift = stds * (std or cell.unit)
        for trial in trials_of(cell):
            value = None if cell.mean is None else cell.mean + shift + (trial.seed - 1) * std
            results[trial.trial_id] = {"outcome": "done", cell.measure: value, "val_accuracy": None}
    return results
