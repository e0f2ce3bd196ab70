"""Weak steps: remarks on done trials that lost many of their steps, perturbed or at all.

A step goes unperturbed if its ascent norm is zero or not finite, and is skipped if its gradient norm is not finite.
Steps that a method leaves plain on purpose are not counted. Some lost steps are usual with float16, whose loss scale
is found by trying; a trial that loses more is not the method that its cell is named after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.trial import Trial

COLUMNS = ("steps", "unperturbed_steps", "skipped_steps", "world_size")
"""Columns of the view `results` that the shares are made of."""
SHARE = 0.01
"""Share of the steps up to which there is no remark."""
_NAMED = 3
"""Trials that a remark names."""


@dataclass(frozen=True)
class _Kind:
    """A way in which a step can fall short of its method."""

    text: str
    reason: str
    share: Callable[[Trial, Mapping[str, Any]], float]


def _unperturbed(trial: Trial, result: Mapping[str, Any]) -> float:
    """Of the ascents that the trial was to make: one for each m samples, in each process."""
    epochs = (trial.perturb_until or trial.total_epochs) - trial.perturb_from
    ascents = -(-trial.batch_size // ((trial.m or trial.batch_size) * (result.get("world_size") or 1)))
    meant = result["steps"] * max(ascents, 1) * epochs / trial.total_epochs
    return (result.get("unperturbed_steps") or 0) / meant if trial.perturbs and meant > 0 else 0.0


def _skipped(_: Trial, result: Mapping[str, Any]) -> float:
    return (result.get("skipped_steps") or 0) / result["steps"]


_KINDS = (
    _Kind("unperturbed, as the base optimizer's alone", "the ascent norm was zero or not finite", _unperturbed),
    _Kind("skipped, without any update", "the gradient norm was not finite", _skipped),
)


def remarks(trials: Sequence[Trial], results: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """A line for each kind that takes more than SHARE of the steps of a done trial."""
    done = [(trial, results.get(trial.trial_id, {})) for trial in trials]
    done = [(trial, result) for trial, result in done if result.get("outcome") == "done" and result.get("steps")]
    return tuple(line for kind in _KINDS for line in _remark(kind, done))


def _remark(kind: _Kind, done: Sequence[tuple[Trial, Mapping[str, Any]]]) -> Iterator[str]:
    shares = [(kind.share(trial, result), trial) for trial, result in done]
    weak = sorted((pair for pair in shares if pair[0] > SHARE), key=lambda pair: -pair[0])
    if not weak:
        return
    named = ", ".join(f"{trial.trial_id} {100 * share:.3g} % ({trial.label})" for share, trial in weak[:_NAMED])
    more = f", and {len(weak) - _NAMED} more" if len(weak) > _NAMED else ""
    share = f"More than {100 * SHARE:g} % of the steps {kind.text}"
    yield f"{share}, in {len(weak)} of {len(done)} done trials, because {kind.reason}: {named}{more}."
