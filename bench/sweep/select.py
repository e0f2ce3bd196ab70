"""Select: the trials of a sweep that `--where` asks for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from bench.errors import UserError, unknown
from bench.sweep import Sweep, Waiting
from bench.sweep.fields import names_of
from bench.trial import Trial, short
from bench.trial.content import without_content

_OPERATOR = re.compile(r"^\s*\w+\s*([<>!~]|==|(in|like|not|between|is)\b)", re.IGNORECASE)
"""Of SQL or Python behind a field's name."""
_QUOTED = re.compile(r"""(['"])(.*)\1""")
TRIAL_ID = "trial_id"
"""Not a field, but trials can be selected by their ids or the first characters of them."""


def where(sweep: Sweep, conditions: Sequence[str]) -> Sweep:
    """The sweep's trials that satisfy `FIELD=VALUE`; conditions on one field are alternatives.

    So do those that wait for a choice, whose ρ isn't known yet and satisfies no condition.
    """
    everything = (*sweep.trials, *sweep.held)
    wanted: dict[str, set[str]] = {}
    for condition in conditions:
        name, value = _parted(condition)
        if name != TRIAL_ID:
            known_field(everything, "--where", name)
        known = sweep.trials if name == "rho" else everything
        wanted.setdefault(name, set()).add(_value(known, name, value))
    if not wanted:
        return sweep
    kept = tuple(trial for trial in sweep.trials if _fits(trial, wanted))
    held = () if "rho" in wanted else tuple(trial for trial in sweep.held if _fits(trial, wanted))
    if not kept and not held:
        raise UserError(f"--where {' --where '.join(conditions)}: no trial of {sweep.name} has all of these values")
    return dataclasses.replace(sweep, trials=kept, held=held, waits=_still_waited_for(sweep, held))


def _parted(condition: str) -> tuple[str, str]:
    """FIELD and VALUE, without the spaces and quotes around them."""
    name, equals, value = map(str.strip, condition.partition("="))
    if _OPERATOR.search(condition):
        raise UserError(f"--where {condition}: only FIELD=VALUE is supported; use `sambench query` for comparisons")
    if not equals or not name:
        raise UserError(f"--where {condition}: write FIELD=VALUE, such as --where scope=all")
    quoted = _QUOTED.fullmatch(value)
    return name, quoted[2] if quoted else value


def _fits(trial: Trial, wanted: Mapping[str, set[str]]) -> bool:
    return all(_text(trial, name) in values for name, values in wanted.items())


def _still_waited_for(sweep: Sweep, held: Sequence[Trial]) -> tuple[Waiting, ...]:
    """The choices that these trials wait for, or may wait for."""

    def concerns(wait: Waiting, trials: Sequence[Trial]) -> bool:
        return any(all(trial.written(name) == value for name, value in wait.group) for trial in trials)

    return tuple(wait for wait in sweep.waits if held and (concerns(wait, held) or not concerns(wait, sweep.held)))


def known_field(trials: Sequence[Trial], option: str, name: str) -> str:
    """The name of a field or setting that the trials have; UserError with the valid ones, for the option named."""
    if name not in names_of(trials):
        raise UserError(f"{option}: {unknown('field', name, names_of(trials))}")
    return name


def _text(trial: Trial, name: str) -> str:
    if name == "dataset":
        return without_content(trial.dataset)
    return trial.trial_id if name == TRIAL_ID else short(trial.value(name))


def _value(trials: Sequence[Trial], name: str, value: str) -> str:
    valid = list(dict.fromkeys(_text(trial, name) for trial in trials))
    if name == TRIAL_ID:
        found = [trial_id for trial_id in valid if trial_id.startswith(value)]
        if not found:
            raise UserError(f"--where {name}={value}: no trial id of the sweep starts with {value!r}")
        if len(found) > 1:
            raise UserError(f"--where {name}={value}: ambiguous trial id {value!r}: {len(found)} matches")
        return found[0]
    number = value if value in valid else _as_number(value)
    if number not in valid:
        several = "; several values are several --where" if all(part in valid for part in value.split(",")) else ""
        raise UserError(f"--where {name}={value}: {unknown('value', value, valid)}{several}")
    return number


def _as_number(text: str) -> str:
    """`1e-1` and `0.10` are written as trials are, `0.1`; words stay."""
    try:
        return short(float(text))
    except ValueError:
        return text
