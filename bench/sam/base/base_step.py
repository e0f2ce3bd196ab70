"""The base optimizer's part of a step: loss scaling, check for non-finite gradients, clipping, update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from bench.sam.base.joint_norm import Flag, is_finite, joined, norms_of
from bench.sam.base.optimizer_update import update_of


class BaseStep:
    """What the base optimizers do with the gradients in `.grad`."""

    def __init__(
        self,
        optimizers: Sequence[Optimizer],
        scaler: GradScaler | None,
        max_grad_norm: float | None,
        device: torch.device,
    ) -> None:
        if max_grad_norm is not None and not max_grad_norm > 0:
            raise ValueError(f"max_grad_norm = {max_grad_norm!r} must be positive; use None for no clipping")
        self._optimizers, self._device = optimizers, device
        self._updates = [update_of(optimizer) for optimizer in optimizers]
        self._scaler = scaler if scaler is not None and scaler.is_enabled() else None
        self._max_grad_norm = max_grad_norm

    def scaled(self, loss: Tensor) -> Tensor:
        """The loss that is differentiated: fp16 gradients of a small loss would vanish."""
        return loss if self._scaler is None else self._scaler.scale(loss)

    def backward(self, loss: Tensor, share: float) -> None:
        """Add the gradients of the loss, scaled and weighted by its share of the step's samples, to `.grad`."""
        # Most steps are of one micro-batch, whose share is all: two calls of an operator that change nothing.
        torch.autograd.backward(self.scaled(loss if share == 1 else loss * share))

    def unscaled(self, gradients: dict[str, Tensor]) -> dict[str, Tensor]:
        """Gradients of the loss, from those of the scaled loss."""
        if self._scaler is None or not gradients:
            return gradients
        scale = self._scaler._get_scale_async()
        assert scale is not None, "a loss was scaled"
        inverse = scale.double().reciprocal()
        return {name: gradient * inverse.to(gradient.dtype) for name, gradient in gradients.items()}

    def rescaled(self, gradients: dict[str, Tensor]) -> dict[str, Tensor]:
        """Gradients of the scaled loss, from those of the loss; copies, for `.grad`."""
        if self._scaler is None:
            return {name: gradient.clone() for name, gradient in gradients.items()}
        return {name: self._scaler.scale(gradient) for name, gradient in gradients.items()}

    def make(self, finish: Callable[[Tensor], None] | None) -> tuple[list[Tensor], Flag]:
        """Update the weights, unless the gradient isn't finite; norms of its tensors, and whether there was an update.

        `finish` changes gradients in place before they are clipped; it is told whether they are finite.
        """
        for optimizer in self._optimizers if self._scaler is not None else ():
            assert self._scaler is not None
            self._scaler.unscale_(optimizer)
        norms = self._norms()
        if finish is not None:
            norm = joined(norms)
            finite = norm.isfinite()
            finish(finite)
            norms = [torch.where(finite, joined(self._norms()), norm)]
        if self._max_grad_norm is not None:
            # In single precision, as everything that the update is scaled by.
            torch.nn.utils.clip_grads_with_norm_(self._held(), self._max_grad_norm, joined(norms).float())
        updated = is_finite(norms)
        for update in self._updates:
            update(updated)
        if self._scaler is not None:
            # It has seen the overflow as it unscaled, and lowers the scale.
            self._scaler.update()
        return norms, updated

    def _held(self) -> Iterator[Tensor]:
        return (p for optimizer in self._optimizers for group in optimizer.param_groups for p in group["params"])

    def _norms(self) -> list[Tensor]:
        gradients = (gradient for p in self._held() if (gradient := p.grad) is not None)
        return norms_of(gradients) or [torch.zeros((), device=self._device)]
