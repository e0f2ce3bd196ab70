"""A trial's identity: pinned, and independent of how the trial was written."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from bench.trial import DEFAULTS, FIELDS, SCHEMA, Trial

PINNED = {
    "schema": 3,
    "plain": "3e557cdd74a1feb3",
    "sam": "2cfdf5e5ef058c69",
}
PINNED_DEFAULTS = {
    "label_noise": 0.0, "val_fraction": 0.0, "augment": "none", "image_size": None, "preprocessing": None,
    "init_from": "", "min_lr": 0.0, "warmup_epochs": 0, "warmup_lr": 0.0, "cooldown_epochs": 0,
    "weight_decay_on": "all", "m": None, "drop_last": False, "label_smoothing": 0.0, "variant": "none",
    "scope": "none", "rho": None, "perturb_from": 0, "perturb_until": None, "bn_stats": "both", "bn_refresh": False,
    "precision": "float32", "tf32": False, "channels_last": False, "compile": False, "ascent_dtype": "float32",
    "ascent_share": 1.0, "norm_rule": "type", "trainable": "all", "norm_dropout": 0.0,
    "norm_dropout_on": "parameters", "settings": (), "lr_schedule": "cosine", "lr_per": "epoch", "warmup_steps": 0,
}  # fmt: skip
"""What an id leaves out. A field that comes later joins them; none of these may change."""


def test_identity_is_pinned(make_trial: Callable[..., Trial]) -> None:
    """A failure here means that every stored result loses its trial: raise SCHEMA and say why, or undo."""
    sam = make_trial(
        variant="layerwise_l2", scope="only_norm", rho=0.2, settings=(("eta", 0.0), ("momentum", 0.9)), label_noise=0.4
    )
    assert {"schema": SCHEMA, "plain": make_trial().trial_id, "sam": sam.trial_id} == PINNED


def test_defaults_are_pinned() -> None:
    """Another default would make other trials of the same ids: raise SCHEMA and say why, or undo."""
    assert {name: DEFAULTS[name] for name in PINNED_DEFAULTS} == PINNED_DEFAULTS
    assert {*PINNED_DEFAULTS} == {*DEFAULTS}, "a field came: its default must mean what was done before"


def test_canonical_json_is_json_with_every_field_that_is_not_at_its_default(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial(variant="sam", scope="all", rho=0.1)
    fields = {name: value for name, value in trial.as_dict().items() if value != DEFAULTS.get(name, "no default")}
    assert json.loads(trial.canonical_json()) == {**fields, "schema": SCHEMA}


def test_what_was_recorded_before_a_field_came_is_the_same_trial(make_trial: Callable[..., Trial]) -> None:
    trial, stored = make_trial(variant="sam", scope="all", rho=0.1), make_trial().as_dict()
    assert "drop_last" in DEFAULTS
    old = {name: value for name, value in trial.as_dict().items() if name != "drop_last"}
    assert Trial.from_dict(old).trial_id == Trial.from_dict({**old, "drop_last": None}).trial_id == trial.trial_id
    assert Trial.from_dict(stored).trial_id == make_trial().trial_id


@pytest.mark.parametrize("field", [field for field in FIELDS if field != "settings"])
def test_every_field_is_part_of_the_identity(make_trial: Callable[..., Trial], field: str) -> None:
    trial = make_trial(variant="sam", scope="all", rho=0.1, norm_dropout=0.5)
    value = getattr(trial, field)
    other: Any = not value if isinstance(value, bool) else value + 1 if isinstance(value, int | float) else "other"
    changed = dataclasses.replace(trial, **{field: other})
    assert changed.trial_id != trial.trial_id


def test_settings_are_part_of_the_identity(make_trial: Callable[..., Trial]) -> None:
    assert make_trial(settings=(("momentum", 0.8),)).trial_id != make_trial().trial_id


def test_an_integer_for_a_number_is_the_same_trial(make_trial: Callable[..., Trial]) -> None:
    assert make_trial(lr=1, weight_decay=0).trial_id == make_trial(lr=1.0, weight_decay=0.0).trial_id


def test_what_is_left_out_is_resolved(make_trial: Callable[..., Trial]) -> None:
    written = make_trial(m=256, perturb_until=2, variant="sam", scope="all", rho=0.1)
    assert make_trial(variant="sam", scope="all", rho=0.1).trial_id == written.trial_id
    assert make_trial(perturb_from=1).trial_id == make_trial().trial_id


def test_round_trip(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial(variant="sam", scope="all", rho=0.1)
    again = Trial.from_dict(json.loads(json.dumps(trial.as_dict())))
    assert again == trial
    assert again.trial_id == trial.trial_id


def test_a_trial_is_frozen(make_trial: Callable[..., Trial]) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_trial().lr = 1.0  # type: ignore[misc]
