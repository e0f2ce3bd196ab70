"""Select: the trials of a sweep that `--where` asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from bench.errors import UserError, unknown
from bench.sweep import Sweep
from bench.trial import FIELDS, Trial, short


def where(sweep: Sweep, conditions: Sequence[str]) -> Sweep:
    """The sweep's trials that satisfy `FIELD=VALUE`; conditions on one field are alternatives."""
    wanted: dict[str, set[str]] = {}
    for condition in conditions:
        name, equals, value = condition.partition("=")
        if not equals or not name:
            raise UserError(f"--where {condition}: write FIELD=VALUE, such as --where scope=all")
        wanted.setdefault(known_field(sweep.trials, "--where", name), set()).add(_value(sweep.trials, name, value))
    if not wanted:
        return sweep
    kept = [trial for trial in sweep.trials if all(short(trial.value(name)) in wanted[name] for name in wanted)]
    if not kept:
        raise UserError(f"--where {' --where '.join(conditions)}: no trial of {sweep.name} has all of these values")
    return dataclasses.replace(sweep, trials=tuple(kept))


def known_field(trials: Sequence[Trial], option: str, name: str) -> str:
    """The name of a field or setting that the trials have; UserError with the valid ones, for the option named."""
    settings = dict.fromkeys(name for trial in trials for name, _ in trial.settings)
    valid = [*(field for field in FIELDS if field != "settings"), *settings]
    if name not in valid:
        raise UserError(f"{option}: {unknown('field', name, valid)}")
    return name


def _value(trials: Sequence[Trial], name: str, value: str) -> str:
    valid = list(dict.fromkeys(short(trial.value(name)) for trial in trials))
    number = value if value in valid else _as_number(value)
    if number not in valid:
        raise UserError(f"--where {name}={value}: {unknown('value', value, valid)}")
    return number


def _as_number(text: str) -> str:
    """`1e-1` and `0.10` are written as trials are, `0.1`; words stay."""
    try:
        return short(float(text))
    except ValueError:
        return text
