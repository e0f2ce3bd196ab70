"""The base optimizer's part of a step: loss scaling, check for non-finite gradients, clipping, update."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

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

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of the loss, scaled, to `.grad`."""
        torch.autograd.backward(self.scaled(loss))

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

    def make(self, finish: Callable[[Tensor], None] | None) -> tuple[Tensor, Tensor]:
        """Update the weights, unless the gradient isn't finite; its norm, and whether there was an update.

        `finish` changes gradients in place before they are clipped; it is told whether they are finite.
        """
        for optimizer in self._optimizers if self._scaler is not None else ():
            assert self._scaler is not None
            self._scaler.unscale_(optimizer)
        norm = self._norm()
        if finish is not None:
            finish(norm.isfinite())
            norm = torch.where(norm.isfinite(), self._norm(), norm)
        if self._max_grad_norm is not None:
            # In single precision, as everything that the update is scaled by.
            torch.nn.utils.clip_grads_with_norm_(self._parameters(), self._max_grad_norm, norm.float())
        finite = norm.isfinite()
        for update in self._updates:
            update(finite)
        if self._scaler is not None:
            # It has seen the overflow as it unscaled, and lowers the scale.
            self._scaler.update()
        return norm, finite

    def _parameters(self) -> list[Tensor]:
        groups = (group for optimizer in self._optimizers for group in optimizer.param_groups)
        return [p for group in groups for p in group["params"] if p.grad is not None]

    def _norm(self) -> Tensor:
        gradients = [p.grad for p in self._parameters() if p.grad is not None]
        return torch.nn.utils.get_total_norm(gradients) if gradients else torch.zeros((), device=self._device)
