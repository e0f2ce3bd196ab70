"""The base optimizer's part of a step: loss scaling, check for non-finite gradients, clipping, update."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer


class BaseStep:
    """What the base optimizer does with the gradients in `.grad`."""

    def __init__(self, optimizer: Optimizer, scaler: GradScaler | None, max_grad_norm: float | None) -> None:
        if max_grad_norm is not None and not max_grad_norm > 0:
            raise ValueError(f"max_grad_norm = {max_grad_norm!r} must be positive; use None for no clipping")
        self._optimizer = optimizer
        self._scaler = scaler
        self._max_grad_norm = max_grad_norm

    def scaled(self, loss: Tensor) -> Tensor:
        """The loss that is differentiated: fp16 gradients of a small loss would vanish."""
        return loss if self._scaler is None else self._scaler.scale(loss)

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of the loss, scaled, to `.grad`."""
        torch.autograd.backward(self.scaled(loss))

    def unscaled(self, gradients: dict[str, Tensor]) -> dict[str, Tensor]:
        """Gradients of the loss, from those of the scaled loss."""
        if self._scaler is None:
            return gradients
        scale = 1 / self._scaler.get_scale()
        return {name: gradient * scale for name, gradient in gradients.items()}

    def make(self, finish: Callable[[], None] | None) -> tuple[float, bool]:
        """Update the weights, unless the gradient isn't finite; its norm, and whether there was an update.

        `finish` changes gradients in place before they are clipped; it only sees finite ones.
        """
        if self._scaler is not None:
            self._scaler.unscale_(self._optimizer)
        norm = self._norm()
        if finish is not None and math.isfinite(norm):
            finish()
            norm = self._norm()
        if self._max_grad_norm is not None and math.isfinite(norm):
            torch.nn.utils.clip_grads_with_norm_(self._parameters(), self._max_grad_norm, torch.tensor(norm))
        self._update(finite=math.isfinite(norm))
        return norm, math.isfinite(norm)

    def _parameters(self) -> list[Tensor]:
        return [p for group in self._optimizer.param_groups for p in group["params"] if p.grad is not None]

    def _norm(self) -> float:
        return float(torch.nn.utils.get_total_norm([p.grad for p in self._parameters() if p.grad is not None]))

    def _update(self, *, finite: bool) -> None:
        if self._scaler is not None:
            # The scaler skips by its own record of overflows, and lowers the scale after one.
            self._scaler.step(self._optimizer)
            self._scaler.update()
        elif finite:
            self._optimizer.step()
