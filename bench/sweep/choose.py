"""Choose: a ρ taken from another sweep's results: how it is written, what was decided, or what it waits for.

`bench.sweep.search` finds the trials that a choice compares; a `Chooser`, which alone knows the store, compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bench.trial import Trial

if TYPE_CHECKING:
    from bench.sweep import Sweep

Pairs = tuple[tuple[str, Any], ...]
"""Field → value, as pairs, so that it can be a key."""


@dataclass(frozen=True, kw_only=True)
class ChooseRho:
    """`{choose: SWEEP, where: {FIELD: VALUE}, by: MEASURE}`."""

    sweep: str
    """Name of a sweep file beside this one, or a path."""
    where: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    """Field → values that the other sweep's trials must have."""
    by: str | None = None
    """Measure; None: the task's on the validation split if the data has one, else on the test split."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One ρ that was searched."""

    rho: float
    mean: float | None
    """Over its finished seeds; None without any."""
    n: int
    """Finished seeds."""
    expected: int


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a chooser makes of a group of trials that differ in ρ and seed alone."""

    by: str
    candidates: tuple[Candidate, ...]
    """By rising ρ."""
    chosen: Candidate | None
    missing: tuple[Trial, ...] = ()
    """Trials that the choice waits for."""
    remarks: tuple[str, ...] = ()
    """Ties and seeds without a result."""
    problem: str | None = None
    """Why nothing can be chosen, although no trial is missing."""


class Chooser(Protocol):
    """Decides by results."""

    def __call__(self, search: Sweep, trials: Sequence[Trial], by: str | None) -> Verdict: ...


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A ρ that was chosen, with its lineage."""

    sweep: str
    """Name of the sweep that it was chosen from."""
    file: Path
    where: Pairs
    group: Pairs
    """What the compared trials share with ours: data set, variant, scope and whatever else the other sweep varies."""
    by: str
    rho: float
    mean: float
    n: int
    candidates: tuple[Candidate, ...]
    remarks: tuple[str, ...]

    @property
    def text(self) -> str:
        """For people."""
        tried = ", ".join(f"{each.rho:g}" for each in self.candidates)
        told = f"ρ = {self.rho:g} for {describe(self.group)}: best of {tried} in {self.sweep}"
        told += f" by mean {self.by} ({self.mean:.2f}, n = {self.n})"
        return "; ".join([told, *self.remarks])

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        where = {name: list(values) for name, values in self.where}
        return asdict(self) | {"file": str(self.file), "where": where, "group": dict(self.group)}


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A choice that can't be made yet."""

    sweep: str
    file: Path
    group: Pairs
    trials: tuple[Trial, ...]
    """Trials of the other sweep that have no result yet."""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        ids = [trial.trial_id for trial in self.trials]
        return {"sweep": self.sweep, "file": str(self.file), "group": dict(self.group), "trials": ids}


def describe(group: Pairs) -> str:
    """`cifar100 sam/all`, followed by any further fields: `cifar100 sam/all, augment basic`."""
    values = dict(group)
    words = [f"{values.pop('dataset')} {values.pop('variant')}/{values.pop('scope')}"]
    return ", ".join(words + [f"{name} {value}" for name, value in values.items()])
