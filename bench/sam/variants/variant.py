"""The contract of a variant: what a step asks of it, and when.

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
    """How the perturbation is made of the ascent gradient.

    What is declared here is read after construction, and may depend on settings.
    """

    floor: float = 1e-16
    """Added to the norm in the denominator."""
    ascends: bool = True
    """Whether ε is made of a gradient at w. If not, there is no pass 1, and ε comes from what `recall` gives."""
    full_gradient: bool = False
    """Whether `finish` needs the gradient at w of every trainable tensor, in scope or not."""
    scope_gradient: bool = False
    """Whether `finish` needs the gradient at w of the perturbed tensors, which costs nothing more."""
    finishes: bool = False
    """Whether it changes the final gradient, or remembers something of the step."""
    decides: bool = False
    """Whether it decides after pass 1 if there is a pass 2. It needs `full_gradient`, and waits for the device."""
    wanders: bool = False
    """Whether pass 1 is made at another point than w, which `offset` gives."""
    selects_first: bool = False
    """Whether both passes run on some of the samples only; then the batch must be given as tensors."""
    selects_samples: ClassVar[bool] = False
    """Whether pass 2 runs on some of the samples only; then the batch must be given as tensors.

    How many they are depends on whether there is an ε, so that such a variant waits for the device in every step.
    """
    takes_sparse: ClassVar[bool] = False
    """Whether it can use sparse gradients, as embeddings give them that were asked for it."""
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
        """Those tensors of the scope that this step perturbs."""
        return tensors

    # For every micro-batch.

    def first_batch(self, batch: Batch) -> Batch:
        """What both passes run on; called at w, after a forward pass without gradient on all samples."""
        return batch

    def offset(self, names: list[str], weights: list[Tensor], place: int) -> list[Tensor]:
        """What the perturbed tensors are displaced by in pass 1, and in it only, of micro-batch `place` of the step.

        Places count through all processes, so that the draw of a micro-batch can be the same in whichever it is.
        """
        raise NotImplementedError

    def recall(self, tensors: dict[str, nn.Parameter]) -> dict[str, Tensor]:
        """What `direction` gets in place of the gradient at w, by name; tensors without an entry aren't perturbed."""
        raise NotImplementedError

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """T²g per tensor, and the scalar ‖Tg‖₂ over all of them.

        Or any ε/ρ, with a `step_size` of ρ; even so there is no ε where the scalar is zero or not finite.

        Never writes to `gradients`: autograd may give one tensor, or an expanded one, for several parameters.
        """
        raise NotImplementedError

    def step_size(self, rho: float, norm: Tensor, floor: float) -> Tensor | float:
        """Factor from T²g to ε; `norm` is of double precision."""
        # Not `rho / norm`, which torch computes as ρ times a reciprocal, rounded twice.
        return torch.full_like(norm, rho) / (norm + floor)

    def moved(self, names: list[str], perturbation: list[Tensor]) -> None:
        """Called with the ε that the weights are about to move by; don't write to it."""

    def second_batch(self, batch: Batch) -> Batch:
        """What pass 2 runs on; called at w + ε."""
        return batch

    def summand(self, gradients: dict[str, Tensor]) -> dict[str, Tensor]:
        """What is averaged for `finish`, of a micro-batch's gradients at w."""
        return gradients

    # Once a step, after its passes, over micro-batches and processes.

    def goes_on(self, squared_norm: Tensor) -> Tensor:
        """After pass 1, if it decides: whether there is a pass 2, a boolean scalar. If not, the step descends along g.

        `squared_norm` is ‖g‖² over every trainable tensor, of the averaged g.
        """
        raise NotImplementedError

    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """Change the final gradients in place, after all micro-batches and processes were averaged; remember.

        They are in `.grad` of the trainable tensors: `finals`. `gradients` holds the gradient at w of each of them
        if `full_gradient`, or of the perturbed ones if `scope_gradient`; nothing in a step without perturbation.
        `finite` is a boolean scalar on the device: where it is false neither are all of them, and nothing may be
        changed, nor remembered.
        """

    def after_update(self, updated: Tensor) -> None:
        """After the base optimizer's update; `updated`, a boolean scalar, is false where it was skipped."""

    def state_dict(self) -> dict[str, Any]:
        """Whatever the next steps depend on."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""

    # What hooks may look at.

    def finals(self) -> dict[str, Tensor]:
        """The final gradients by name: in `finish` those that the base optimizer will be given."""
        named = self.context.trainable.items()
        return {name: parameter.grad for name, parameter in named if parameter.grad is not None}

    def in_scope(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Of tensors by name those in scope, with zeros in entries that don't count."""
        names = [name for name in self.scope.tensors if name in tensors]
        if not names:
            return {}
        return dict(zip(names, self.scope.restrict_gradient(names, [tensors[name] for name in names]), strict=True))
