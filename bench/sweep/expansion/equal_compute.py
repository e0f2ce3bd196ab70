"""Equal compute: epochs of the base optimizer that take as many passes as the variants beside it.

`epochs: equal-compute` stands for a number of epochs for each number of passes that the variants of the same block take
on the same data, model and base optimizer. The trials hold that number, as if it were written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.sam.cost import passes_per_step
from bench.sweep.expansion.resolve import PLACEHOLDER, REQUIRED, Resolver
from bench.trial import NONE, Trial

EQUAL = "equal-compute"

_ALIKE = ("dataset", "model", "image_size", "init_from", "augment", "optimizer", "batch_size", "trainable")
"""What the base optimizer and the variant train alike."""
_ALONE = f"{EQUAL} is for the base optimizer, beside variants whose cost it should match; write a number here"
_NOTHING = f"{EQUAL}: this block has no variant with the same data, model and base optimizer"
_UNTOLD = f"{EQUAL}: the number of passes of the variants beside it is known only after training; write a number"

Values = Mapping[str, Any]


@dataclass
class EqualCompute:
    """Total passes, in those over the training split, that the variants of one block take."""

    found: dict[tuple[Any, ...], dict[int, str]] = field(default_factory=dict)
    """What they train → passes in whole epochs → one of the variants that take them."""
    untold: set[tuple[Any, ...]] = field(default_factory=set)
    """What variants train whose passes only a run can tell."""

    def add(self, values: Values, fields: Values) -> None:
        """A trial of these fields, which come from the written `values`."""
        trial = Trial(**(dict.fromkeys(REQUIRED, 1) | dict(fields) | {"rho": PLACEHOLDER}))
        passes = passes_per_step(trial)
        if passes is None:
            self.untold.add(_subject(values))
        elif trial.perturbs:
            whole = int(passes * trial.total_epochs + 0.5)
            self.found.setdefault(_subject(values), {}).setdefault(
                whole, f"{trial.variant} at {passes:g} passes per step"
            )

    def settled(self, combination: dict[str, Any], resolver: Resolver) -> Iterator[dict[str, Any]]:
        """The combination with each number of epochs that it stands for; a fault if there is none."""
        if combination.get("epochs") != EQUAL:
            yield combination
            return
        values = resolver.with_defaults(combination)
        subject = _subject(values)
        if values["variant"] != NONE or subject not in self.found:
            told = _ALONE if values["variant"] != NONE else _UNTOLD if subject in self.untold else _NOTHING
            resolver.source.report(resolver.where["epochs"], told)
            return
        for passes, whose in self.found[subject].items():
            epochs = max(passes - values["cooldown_epochs"], 1)
            what = f"{values['optimizer']} with {values['model']} on {values['dataset']}"
            resolver.notes[f"epochs {epochs} for {what}: same compute as {whose}"] = None
            yield combination | {"epochs": epochs}


def _subject(values: Values) -> tuple[Any, ...]:
    return tuple(values[name] for name in _ALIKE)
