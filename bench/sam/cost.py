"""Cost: the number of forward and backward passes of a trial's steps, as its variant declares.

The one rule that estimates, equal compute and boards ask; where a run has counted its passes, its count is better.
Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.registry import VariantEntry
from bench.sam.registry import VARIANTS
from bench.trial import NONE, Trial


def passes_per_step(trial: Trial) -> float | None:
    """Passes of a step, on average over the training: 1 of the base optimizer; None where only a run can tell."""
    return passes_with(
        trial.variant,
        dict(trial.settings),
        ascent_share=trial.ascent_share,
        perturb_from=trial.perturb_from,
        perturb_until=trial.perturb_until,
        total_epochs=trial.total_epochs,
    )


def passes_with(
    variant: str,
    settings: Mapping[str, Any],
    *,
    ascent_share: float,
    perturb_from: int,
    perturb_until: int | None,
    total_epochs: int,
) -> float | None:
    """The same of a trial that is only known by these fields; `settings` may lack those that have their default."""
    if variant == NONE:
        return 1.0
    entry = VARIANTS.get(variant)
    passes = None if entry is None else declared_passes(entry, settings)
    if passes is None:
        return None
    perturbed = (perturb_until or total_epochs) - perturb_from
    # What comes before pass 2 may run on a part of the batch.
    return 1.0 + (passes - 1.0) * ascent_share * max(perturbed, 0) / total_epochs


def declared_passes(entry: VariantEntry, settings: Mapping[str, Any] | None = None) -> float | None:
    """Passes of a step that perturbs, on average, with these settings and the defaults of others."""
    if not callable(entry.passes):
        return entry.passes
    return entry.passes({name: each.default for name, each in entry.settings.items()} | dict(settings or {}))
