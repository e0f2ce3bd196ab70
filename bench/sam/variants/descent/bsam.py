"""Bayesian SAM (Möllenhoff and Khan, ICLR 2023): SAM with a posterior's own precision in every entry.

    n ~ N(0, 1/(N·s)),  g at w + n,  ε = ρ·g/s (no norm) taken from w, without n,  g_p at w + ε;
    q ← β₁q + (1−β₁)(g_p + δw),  w ← w − lr·q/s with the old s,  s ← β₂s + (1−β₂)(√s·|g| + damping + δ).

It is the optimizer: the base is SGD without momentum and decay, which is handed q/s. Each micro-batch has a noise of
its own; g_p and √s·|g| are averaged. Off the scope n and ε are zero, and q and s go on all the same: our guess. The
authors keep the running statistics of the first of their sub-batches, we the mean over all.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.variant import Variant, joint_norm
from bench.seeds import derive


class Bsam(Variant):
    """ε = ρ·g/s, and the update that goes with it."""

    full_gradient = True
    finishes = True
    wanders = True

    def __init__(
        self,
        context: Context,
        *,
        beta1: float,
        beta2: float,
        damping: float,
        delta: float,
        data_size: float,
        s_init: float,
    ) -> None:
        super().__init__(context)
        context.base.check_bare("bsam")
        self.beta1, self.beta2, self.damping, self.delta = beta1, beta2, damping, delta
        self.data_size, self.s_init = data_size, s_init
        self._q: dict[str, Tensor] = {}
        self._s: dict[str, Tensor] = {}

    def offset(self, names: list[str], weights: list[Tensor], place: int) -> list[Tensor]:
        """n, drawn from step, micro-batch and name alone: no generator has to be kept, nor does the scope matter."""
        return [
            self._draw(name, w, place) / (self._precision(name, w) * self.data_size).sqrt()
            for name, w in zip(names, weights, strict=True)
        ]

    def _draw(self, name: str, weight: Tensor, place: int) -> Tensor:
        device = weight.device if weight.is_cuda else torch.device("cpu")
        seed = derive(self.context.seed, "noise", self.context.clock.step, place, name)
        generator = torch.Generator(device).manual_seed(seed)
        return torch.randn(weight.shape, generator=generator, device=device, dtype=weight.dtype).to(weight.device)

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """g/s, and ‖g‖₂, which only tells whether there is a gradient."""
        found = [g / self._precision(name, w) for name, w, g in zip(names, weights, gradients, strict=True)]
        return found, joint_norm(gradients)

    def step_size(self, rho: float, norm: Tensor, floor: float) -> Tensor | float:
        """ρ: nothing is normalised."""
        return rho

    def summand(self, gradients: dict[str, Tensor]) -> dict[str, Tensor]:
        """|g|."""
        return {name: gradient.abs() for name, gradient in gradients.items()}

    @torch.no_grad()
    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """Renew q and s, and hand q/s to the base optimizer."""
        for name, final in self.finals().items():
            weight = self.context.trainable[name].detach()
            s, q = self._precision(name, weight), self._q.get(name, torch.zeros_like(weight))
            q_new = self.beta1 * q + (1 - self.beta1) * (final + self.delta * weight)
            self._q[name] = torch.where(finite, q_new, q)
            torch.where(finite, q_new / s, final, out=final)
            if name in gradients:
                grown = s.sqrt() * gradients[name] + (self.damping + self.delta)
                self._s[name] = torch.where(finite, self.beta2 * s + (1 - self.beta2) * grown, s)

    def _precision(self, name: str, weight: Tensor) -> Tensor:
        return self._s[name] if name in self._s else torch.full_like(weight, self.s_init)

    def state_dict(self) -> dict[str, Any]:
        """q and s."""
        return {"q": dict(self._q), "s": dict(self._s)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Variant.load_state_dict`."""
        held = self.context.held
        self._q, self._s = ({n: t.to(held[n].device) for n, t in state[key].items()} for key in ("q", "s"))
