"""Cost: how many forward and backward passes a trial's steps take, by what its variant declares.

The one rule that estimates, equal compute and boards ask; where a run has counted its passes, its count is better.
Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.registry import VariantEntry
from bench.sam.registry import VARIANTS
from bench.trial import Trial


def passes_per_step(trial: Trial) -> float | None:
    """Passes of a step, on average over the training: 1 of the base optimizer; None where only a run can tell."""
    if not trial.perturbs:
        return 1.0
    passes = declared_passes(VARIANTS[trial.variant], dict(trial.settings))
    if passes is None:
        return None
    perturbed = (trial.perturb_until or trial.total_epochs) - trial.perturb_from
    # What comes before pass 2 may run on a part of the batch.
    return 1.0 + (passes - 1.0) * trial.ascent_share * max(perturbed, 0) / trial.total_epochs


def declared_passes(entry: VariantEntry, settings: Mapping[str, Any] | None = None) -> float | None:
    """Passes of a step that perturbs, on average, with these settings and the defaults of others."""
    if not callable(entry.passes):
        return entry.passes
    return entry.passes({name: each.default for name, each in entry.settings.items()} | dict(settings or {}))
