"""Momentum-SAM (Becker et al. 2024): look ahead along the coming update, in one pass.

ε = −ρ·v/‖v‖ with v the base optimizer's momentum before the step: SGD's buffer, or the first moment of AdamW, neither
corrected for its start nor preconditioned. The step's one pass is at w + ε; the first step, without v, is the base
optimizer's. The authors keep the weights displaced between steps, so that SGD's weight decay is λ(w + ε): `decay_at:
perturbed`, for which λε is added to the gradient here, where the weights are clean after every step. Unlike theirs, a
ρ that changes between steps leaves no trace. Running statistics are those at w + ε.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.sam.context import Context
from bench.sam.variants.sam import Sam


class Msam(Sam):
    """SAM's formula with −v for g."""

    floor = 1e-12
    takes_sparse = False
    ascends = False

    def __init__(self, context: Context, *, decay_at: str) -> None:
        super().__init__(context)
        context.base.check_momentum("msam")
        self.finishes = decay_at == "perturbed"
        self._perturbation: dict[str, Tensor] = {}
        """ε of this step."""

    def perturbs(self) -> bool:
        """As soon as the base optimizer has made an update."""
        return any(self.context.base.momentum(tensor) is not None for tensor in self.scope.tensors.values())

    def recall(self, tensors: dict[str, nn.Parameter]) -> dict[str, Tensor]:
        """See `Variant.recall`."""
        found = {name: self.context.base.momentum(tensor) for name, tensor in tensors.items()}
        return {name: buffer.neg() for name, buffer in found.items() if buffer is not None}

    def moved(self, names: list[str], perturbation: list[Tensor]) -> None:
        """See `Variant.moved`."""
        self._perturbation = dict(zip(names, perturbation, strict=True)) if self.finishes else {}

    @torch.no_grad()
    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """Let the decay be that of w + ε."""
        perturbation, self._perturbation = self._perturbation, {}
        finals = self.finals()
        decays = self.context.base.coupled_decay(self.context.trainable[name] for name in perturbation)
        for (name, epsilon), decay in zip(perturbation.items(), decays, strict=True):
            if decay and name in finals:
                finals[name].add_(epsilon, alpha=decay)
