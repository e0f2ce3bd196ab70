"""What a step did: quantities of the last step, and counts since the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(kw_only=True)
class Pass:
    """One micro-batch's two passes."""

    loss: Tensor
    """Mean loss at w; a scalar without a graph."""
    share: float = 1.0
    """Of the step's samples."""
    perturbed_loss: Tensor | None = None
    """Mean loss at w + ε, of the samples of pass 2; None if there was no ε."""
    ascent_norm: float | None = None
    """‖Tg‖₂ over the scope (‖g‖₂ where the variant normalises nothing); None if there was no pass for it."""
    perturbation_norm: Tensor | None = None
    """‖ε‖₂."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The last step; means over its micro-batches. A quantity that the step didn't have is None."""

    loss: Tensor
    """Mean loss at w, a scalar on the device."""
    perturbed_loss: Tensor | None
    """Mean loss at w + ε."""
    ascent_norm: float | None
    """Norm that the perturbation was normalised by."""
    perturbation_norm: Tensor | None
    """‖ε‖₂."""
    gradient_norm: float
    """‖·‖₂ of the gradient that the base optimizer was given, before clipping."""

    @classmethod
    def of(cls, passes: Sequence[Pass], gradient_norm: float) -> Report:
        """Average losses over samples, and norms over micro-batches."""
        norms = [each.ascent_norm for each in passes if each.ascent_norm is not None]
        shares = [each.share for each in passes]
        loss = mean([each.loss for each in passes], shares)
        assert loss is not None, "a step has at least one pass"
        return cls(
            loss=loss,
            perturbed_loss=mean([each.perturbed_loss for each in passes], shares),
            ascent_norm=sum(norms) / len(norms) if norms else None,
            perturbation_norm=mean([each.perturbation_norm for each in passes]),
            gradient_norm=gradient_norm,
        )


@dataclass(kw_only=True)
class Counts:
    """Since the start of the run."""

    steps: int = 0
    """Steps made, the following ones included."""
    unperturbed: int = 0
    """Ascents without ε, because the gradient norm was zero or not finite; the base step was made at w."""
    skipped: int = 0
    """Steps without an update, because the gradient norm was not finite."""


def mean(values: Sequence[Tensor | None], shares: Sequence[float] | None = None) -> Tensor | None:
    """Mean of those that are there, weighted by shares if there are any; None if none is."""
    weights = shares or [1.0] * len(values)
    present = [(value, weight) for value, weight in zip(values, weights, strict=True) if value is not None]
    if not present:
        return None
    return torch.stack([value * weight for value, weight in present]).sum() / sum(weight for _, weight in present)
