"""What a step did: quantities of the last step, and counts since the start.

All stay on the device until somebody asks for one, so that no step waits for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bench.sam.base.joint_norm import Flag, joined


@dataclass(kw_only=True)
class Ascent:
    """How the perturbation of one micro-batch came out."""

    norm: Tensor | None
    """‖Tg‖₂ over the scope (‖g‖₂ where the variant normalises nothing); None where there was no pass for it."""
    good: Tensor
    """Whether there is an ε: a boolean scalar, false where the norm is zero or not finite."""
    perturbation_norm: Tensor
    """‖ε‖₂."""
    moved: Tensor | None = None
    """Share of the entries that w + ε changes, where the weights have fewer than 32 bits."""


@dataclass(kw_only=True)
class Pass:
    """One micro-batch's two passes."""

    loss: Tensor
    """Mean loss at w, or at w + ε where that is the only pass; a scalar without a graph."""
    share: float = 1.0
    """Share of the step's samples that are in this micro-batch."""
    ascent: Ascent | None = None
    """None if there was not meant to be an ε."""
    perturbed_loss: Tensor | None = None
    """Mean loss at w + ε, of the samples of pass 2; None if there was no pass for it."""
    passes: float = 1.0
    """Forward and backward passes over all its samples that were made: one over half of them counts a half."""


FORWARD = 1 / 3
"""What a forward pass alone counts: going backward takes twice as long."""


@dataclass(frozen=True, kw_only=True)
class Perturbed:
    """The micro-batches of a step that had an ε: how many, and means over them, which are NaN where none had."""

    count: Tensor
    loss: Tensor
    """Mean loss at w + ε."""
    norm: Tensor
    """‖ε‖₂."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The last step; means over its micro-batches. A quantity that the step didn't have is None.

    Scalars on the device. Asking for `perturbed_loss` or `perturbation_norm` waits for it, to tell whether there is
    one; `perturbed` doesn't.
    """

    loss: Tensor
    """Mean loss at w; at w + ε of a variant that takes ε from its memory and makes no other pass."""
    ascent_norm: Tensor | None
    """Norm that the perturbation was normalised by."""
    gradient_norms: Sequence[Tensor]
    """‖·‖₂ of each tensor of the gradient, of which the joint one is made only if somebody asks; or that alone."""
    perturbed: Perturbed | None
    """Means at w + ε; None if the step was not meant to perturb."""
    moved: Tensor | None
    """Smallest share of perturbed entries that moved at all; None where the weights are of 32 bits or more."""

    @property
    def gradient_norm(self) -> Tensor:
        """‖·‖₂ of the gradient that the base optimizer was given, before clipping."""
        return joined(self.gradient_norms)

    @property
    def perturbed_loss(self) -> Tensor | None:
        """Mean loss at w + ε; None if there was no ε."""
        return self.perturbed.loss if self.perturbed and bool(self.perturbed.count) else None

    @property
    def perturbation_norm(self) -> Tensor | None:
        """‖ε‖₂; None if there was no ε."""
        return self.perturbed.norm if self.perturbed and bool(self.perturbed.count) else None

    @classmethod
    def of(cls, passes: Sequence[Pass], gradient_norms: Sequence[Tensor]) -> Report:
        """Average losses over samples, and norms over micro-batches."""
        ascents = [each.ascent for each in passes if each.ascent is not None]
        norms = [ascent.norm.double() for ascent in ascents if ascent.norm is not None]
        moved = [ascent.moved for ascent in ascents if ascent.moved is not None]
        return cls(
            loss=_mean_loss(passes),
            ascent_norm=torch.stack(norms).mean() if norms else None,
            gradient_norms=gradient_norms,
            perturbed=_perturbed(passes) if ascents else None,
            moved=torch.stack(moved).amin() if moved else None,
        )


@dataclass(kw_only=True)
class Counts:
    """Since the start of the run."""

    steps: int = 0
    """All steps, including those that are counted below."""
    unperturbed: int = 0
    """Ascents without ε, because the gradient norm was zero or not finite; the base step was made at w."""
    skipped: int = 0
    """Steps without an update, because the gradient norm was not finite."""
    clamped: int = 0
    """Steps whose radius the variant's schedule would have taken out of its range."""
    passes: float = 0.0
    """Forward and backward passes over a whole batch; NaN after a resume of a run that didn't count them."""

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Counts:
        """Those that a checkpoint holds."""
        return cls(**{"passes": math.nan, **state})


class Tally:
    """Counts, of which those that only the device knows stay there until they are read."""

    def __init__(self, counts: Counts | None = None) -> None:
        self._counts = counts or Counts()
        self._pending = 0
        """Steps since the last reading."""
        self._updated: Tensor | int = 0
        """Of them those that updated the weights."""
        self._unperturbed: Tensor | int = 0
        """Ascents without ε in them."""

    @property
    def steps(self) -> int:
        """Steps made, which the host knows."""
        return self._counts.steps

    def add(self, passes: Sequence[Pass], updated: Flag, *, clamped: bool) -> None:
        """Count a step."""
        self._counts.steps += 1
        self._counts.clamped += clamped
        self._counts.passes += sum(each.passes * each.share for each in passes) / sum(each.share for each in passes)
        self._pending += 1
        self._updated = self._updated + updated
        for ascent in (each.ascent for each in passes if each.ascent is not None):
            self._unperturbed = self._unperturbed + ascent.good.logical_not()

    def read(self) -> Counts:
        """The counts so far."""
        self._counts.skipped += self._pending - int(self._updated)
        self._counts.unperturbed += int(self._unperturbed)
        self._pending = self._updated = self._unperturbed = 0
        return self._counts


def _mean_loss(passes: Sequence[Pass]) -> Tensor:
    if len(passes) == 1:
        return passes[0].loss
    return torch.stack([each.loss * each.share for each in passes]).sum() / sum(each.share for each in passes)


def _perturbed(passes: Sequence[Pass]) -> Perturbed:
    made = [(each, each.ascent, each.perturbed_loss) for each in passes]
    pairs = [(each.share, ascent, loss) for each, ascent, loss in made if ascent is not None and loss is not None]
    count = torch.stack([ascent.good for _, ascent, _ in pairs]).sum()
    samples = torch.stack([ascent.good * share for share, ascent, _ in pairs]).sum()
    losses = [torch.where(ascent.good, loss * share, 0) for share, ascent, loss in pairs]
    norms = [torch.where(ascent.good, ascent.perturbation_norm, 0) for _, ascent, _ in pairs]
    return Perturbed(count=count, loss=torch.stack(losses).sum() / samples, norm=torch.stack(norms).sum() / count)
