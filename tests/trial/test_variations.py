"""Variations: the trials that the constructor makes one by one, with the same ids."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from bench.trial import DERIVED_FROM, FIELDS, Trial
from bench.trial.variations import Variations

Make = Callable[..., Trial]
VARYING: dict[str, dict[str, list[Any]]] = {
    "nothing": {},
    "seeds": {"seed": [0, 1, 7]},
    "several": {"seed": [0, 1], "label_noise": [0, 0.2], "weight_decay": [0.0, 5e-4, 1], "val_fraction": [0.0, 0.1]},
    "what others follow from": {"perturb_from": [0, 1], "seed": [0, 1]},
}
SHARED: dict[str, dict[str, Any]] = {
    "plain": {},
    "sam": {"variant": "sam", "scope": "only_norm[2]", "rho": 1, "m": 64, "settings": (("momentum", 0.9),)},
    "a folder": {"dataset": "folder:/data/100%s @sha256:ab%d", "model": "timm/resnet10t", "norm_dropout": 0.1},
}


@pytest.mark.parametrize("varying", VARYING)
@pytest.mark.parametrize("shared", SHARED)
def test_they_are_what_the_constructor_makes(make_trial: Make, shared: str, varying: str) -> None:
    names, axes = list(VARYING[varying]), list(VARYING[varying].values())
    rows = [dict(zip(names, row, strict=True)) for row in product(*axes)]
    common = {name: getattr(make_trial(), name) for name in ("dataset", "model", "optimizer", "lr", "batch_size")}
    common |= {"epochs": 2, "weight_decay": 0.0, "seed": 0} | SHARED[shared]
    alone = [Trial(**(common | row)) for row in rows]
    made = list(Variations(rows).of(common))
    assert made == alone
    assert [trial.trial_id for trial in made] == [trial.trial_id for trial in alone]
    assert [trial.canonical_json() for trial in made] == [trial.canonical_json() for trial in alone]
    assert [trial.as_dict() for trial in made] == [trial.as_dict() for trial in alone]


def test_no_field_follows_from_another_than_is_said(make_trial: Make) -> None:
    sam = {"variant": "sam", "scope": "all", "rho": 0.1, "norm_dropout": 0.5, "norm_dropout_on": "output"}
    before = make_trial(**sam)
    others: dict[str, Any] = {"lr": 1.0, "settings": (), "label_noise": 0.5, "seed": 9, "weight_decay": 1.0}
    for name in FIELDS:
        if name in DERIVED_FROM:
            continue
        value = others.get(name, not getattr(before, name))
        after = make_trial(**(sam | {name: value}))
        changed = {field for field in FIELDS if getattr(after, field) != getattr(before, field)}
        assert changed <= {name}, name
