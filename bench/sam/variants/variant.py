"""The contract of a variant: which hooks a step calls, and when.

The usual variant says what T is, in `direction`: ε = ρ · T²g / (‖Tg‖₂ + floor), with one norm over all tensors in
scope. The other hooks are for methods that need more; here they do nothing. `docs/hooks.md` has a drawing of a step
with all of them. What hooks exchange are tensors on the device, scalars too, so that no step waits for it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from bench.sam.base.joint_norm import joint_norm as joint_norm
from bench.sam.context import Context
from bench.sam.passes.batches import Batch
from bench.sam.scopes.scope import Scope


class Variant:
    """How the perturbation is made from the ascent gradient.

    These declarations are read after construction, and may depend on settings.
    """

    floor: float = 1e-16
    """Added to the norm in the denominator."""
    ascends: bool = True
    """Whether ε is made from a gradient at w. If not, there is no pass 1, and ε is made from what `recall` returns."""
    full_gradient: bool = False
    """Whether `finish` needs the gradient at w of every trainable tensor, in scope or not."""
    scope_gradient: bool = False
    """Whether `finish` needs the gradient at w of the perturbed tensors, which costs nothing extra."""
    finishes: bool = False
    """Whether it changes the final gradient or remembers something from the step."""
    decides: bool = False
    """Whether it decides after pass 1 if there is a pass 2. It needs `full_gradient`, and waits for the device."""
    wanders: bool = False
    """Whether pass 1 runs at another point than w, given by `offset`."""
    selects_first: bool = False
    """Whether both passes run on some of the samples only; then the batch must be given as tensors."""
    selects_samples: ClassVar[bool] = False
    """Whether pass 2 runs on some of the samples only; then the batch must be given as tensors.

    Their number depends on whether there is an ε, so such a variant waits for the device in every step.
    """
    takes_sparse: ClassVar[bool] = False
    """Whether it supports sparse gradients, as from `nn.Embedding(sparse=True)`."""
    out_of_range: bool = False
    """Whether the latest `radius` had to be clamped into its range."""
    scope: Scope
    """Where its ε lives; set after construction."""

    def __init__(self, context: Context) -> None:
        self.context = context

    # Once a step, before its passes.

    def perturbs(self) -> bool:
        """Whether this step has a perturbation at all."""
        return True

    def radius(self, rho: float) -> float:
        """The ρ of this step."""
        return rho

    def choose(self, tensors: dict[str, nn.Parameter]) -> dict[str, nn.Parameter]:
        """The tensors of the scope that this step perturbs."""
        return tensors

    # For every micro-batch.

    def first_batch(self, batch: Batch) -> Batch:
        """The samples both passes run on; called at w, after a forward pass without gradient on all of them."""
        return batch

    def offset(self, names: list[str], weights: list[Tensor], place: int) -> list[Tensor]:
        """Displacement of the perturbed tensors in pass 1 (only) of micro-batch number `place` of the step.

        Numbers count through all processes, so that a micro-batch gets the same draw in whichever process it is.
        """
        raise NotImplementedError

    def recall(self, tensors: dict[str, nn.Parameter]) -> dict[str, Tensor]:
        """What `direction` gets in place of the gradient at w, by name; tensors without an entry aren't perturbed."""
        raise NotImplementedError

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """T²g per tensor, and the scalar ‖Tg‖₂ over all of them.

        With a `step_size` of ρ, it may be any ε/ρ. There is no ε if the scalar is zero or not finite.

        Must not write to `gradients`: autograd may use one tensor, or an expanded one, for several parameters.
        """
        raise NotImplementedError

    def step_size(self, rho: float, norm: Tensor, floor: float) -> Tensor | float:
        """Factor from T²g to ε; `norm` is of double precision."""
        # Not `rho / norm`, which torch computes as ρ times a reciprocal, rounded twice.
        return torch.full_like(norm, rho) / (norm + floor)

    def moved(self, names: list[str], perturbation: list[Tensor]) -> None:
        """Called with the ε that the weights are about to move by; don't write to it."""

    def second_batch(self, batch: Batch) -> Batch:
        """The samples pass 2 runs on; called at w + ε."""
        return batch

    def summand(self, gradients: dict[str, Tensor]) -> dict[str, Tensor]:
        """What to average over micro-batches for `finish`, made from one micro-batch's gradients at w."""
        return gradients

    # Once a step, after its passes, over micro-batches and processes.

    def goes_on(self, squared_norm: Tensor) -> Tensor:
        """After pass 1, if `decides`: whether there is a pass 2, a boolean scalar. If not, the step descends along g.

        `squared_norm` is ‖g‖² over every trainable tensor, of the averaged g.
        """
        raise NotImplementedError

    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """Change the final gradients in place, after averaging over micro-batches and processes, and remember things.

        `finals` returns them, from `.grad` of the trainable tensors. `gradients` holds the gradients at w of all of
        these if `full_gradient`, or of the perturbed ones if `scope_gradient`; it is empty in a step without
        perturbation. `finite` is a boolean scalar on the device: where it is false, some gradients aren't finite,
        and nothing may be changed or remembered.
        """

    def after_update(self, updated: Tensor) -> None:
        """After the base optimizer's update; `updated`, a boolean scalar, is false where it was skipped."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that later steps depend on."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""

    # What hooks may look at.

    def finals(self) -> dict[str, Tensor]:
        """The final gradients by name; in `finish`, those that the base optimizer will get."""
        named = self.context.trainable.items()
        return {name: parameter.grad for name, parameter in named if parameter.grad is not None}

    def in_scope(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Those of the named tensors that are in scope, with zeros in masked entries."""
        names = [name for name in self.scope.tensors if name in tensors]
        if not names:
            return {}
        return dict(zip(names, self.scope.restrict_gradient(names, [tensors[name] for name in names]), strict=True))
