"""What every variant has in common: ε = ρ · T²g / (‖Tg‖₂ + floor), with one norm over all tensors in scope.

A variant says what T is, in `direction`. The other methods are what the cheaper and further methods (ESAM,
GSAM, LookSAM) change; here they do nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from bench.sam.context import Context
from bench.sam.passes.batches import Batch


def joint_norm(tensors: Iterable[Tensor]) -> Tensor:
    """‖·‖₂ of all tensors taken as one vector, a scalar on their device."""
    return torch.nn.utils.get_total_norm(tensors)


class Variant:
    """How the perturbation is made of the ascent gradient."""

    floor: float = 1e-16
    """Added to the norm in the denominator."""
    full_gradient: ClassVar[bool] = False
    """Whether it needs the gradient at w of every trainable tensor, in scope or not."""
    finishes: ClassVar[bool] = False
    """Whether it changes the final gradient."""
    selects_samples: ClassVar[bool] = False
    """Whether pass 2 runs on some of the samples only; then the batch must be given as tensors.

    How many they are depends on whether there is an ε, so that such a variant waits for the device in every step.
    """
    takes_sparse: ClassVar[bool] = False
    """Whether it can use sparse gradients, as embeddings give them that were asked for it."""
    out_of_range: bool = False
    """Whether the latest `radius` had to be clamped into its range."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """T²g per tensor, and the scalar ‖Tg‖₂ over all of them.

        Never writes to `gradients`: autograd may give one tensor, or an expanded one, for several parameters.
        """
        raise NotImplementedError

    def step_size(self, rho: float, norm: Tensor, floor: float) -> Tensor | float:
        """Factor from T²g to ε; `norm` is of double precision."""
        # Not `rho / norm`, which torch computes as ρ times a reciprocal, rounded twice.
        return torch.full_like(norm, rho) / (norm + floor)

    def radius(self, rho: float) -> float:
        """The ρ of this step."""
        return rho

    def perturbs(self) -> bool:
        """Whether this step has a perturbation at all."""
        return True

    def choose(self, tensors: dict[str, nn.Parameter]) -> dict[str, nn.Parameter]:
        """Those tensors of the scope that this step perturbs; called once a step."""
        return tensors

    def second_batch(self, batch: Batch) -> Batch:
        """What pass 2 runs on; called at w + ε."""
        return batch

    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """Change the final gradients in place, after all micro-batches and processes were averaged.

        They are in `.grad` of the trainable tensors. `gradients` holds the gradient at w of each of them if
        `full_gradient`; nothing in a step without perturbation. `finite` is a boolean scalar on the device: where it
        is false neither are all of them, and nothing may be changed, nor remembered.
        """

    def state_dict(self) -> dict[str, Any]:
        """Whatever the next steps depend on."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
