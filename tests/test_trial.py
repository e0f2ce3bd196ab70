"""A trial's identity: pinned, and independent of how the trial was written."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest

from bench.trial import FIELDS, LATER, SCHEMA, Trial

PINNED = {
    "schema": 2,
    "plain": "27f56a226d1ece7e",
    "sam": "66760328834e702f",
}


def test_identity_is_pinned(make_trial: Callable[..., Trial]) -> None:
    """A failure here means that every stored result loses its trial: raise SCHEMA and say why, or undo."""
    sam = make_trial(
        variant="layerwise_l2", scope="only_norm", rho=0.2, settings=(("eta", 0.0), ("momentum", 0.9)), label_noise=0.4
    )
    assert {"schema": SCHEMA, "plain": make_trial().trial_id, "sam": sam.trial_id} == PINNED


def test_canonical_json_is_json_with_every_field(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial(variant="sam", scope="all", rho=0.1)
    known = {name: value for name, value in trial.as_dict().items() if name not in LATER}
    assert json.loads(trial.canonical_json()) == {**known, "schema": SCHEMA}


def test_a_later_field_is_in_it_where_it_is_not_its_default(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial(norm_dropout=0.1, norm_dropout_on="output")
    assert json.loads(trial.canonical_json())["norm_dropout_on"] == "output"
    assert make_trial(norm_dropout_on="output").trial_id == make_trial().trial_id


@pytest.mark.parametrize("field", [field for field in FIELDS if field != "settings"])
def test_every_field_is_part_of_the_identity(make_trial: Callable[..., Trial], field: str) -> None:
    trial = make_trial(variant="sam", scope="all", rho=0.1, norm_dropout=0.5)
    value = getattr(trial, field)
    changed = dataclasses.replace(trial, **{field: value + 1 if isinstance(value, int | float) else "other"})
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
