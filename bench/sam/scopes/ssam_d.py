"""SSAM-D (Mi et al. 2022, algorithm 3): a dynamic mask that drops flat entries and regrows others at random.

With drop rate dr = ¼·(1 + cos(π·epoch/epochs)): of the live entries the int(N(1−s)(1−dr)) with the largest
|g| stay, and int(min(N(1−s)dr, Ns)) of those that were dead come alive. g is the gradient of the step just
made, at w + ε.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bench.sam.scopes.ssam import Ssam


class SsamD(Ssam):
    """Drop and regrow."""

    def renew(self) -> None:
        """See `Ssam.renew`."""
        live, dead = self.flat_mask().nonzero().flatten(), (~self.flat_mask()).nonzero().flatten()
        drop_rate = 0.25 * (1 + math.cos(math.pi * self.epoch / self.epochs))
        budget = self.total * (1 - self.sparsity)
        keep = min(int(budget * (1 - drop_rate)), len(live))
        grow = min(int(min(budget * drop_rate, self.total * self.sparsity)), len(dead))
        stay = live[self._gradient()[live].topk(keep).indices]
        born = dead[torch.randperm(len(dead), generator=self.generator)[:grow]]
        self.set_live(torch.cat([stay, born]))

    def _gradient(self) -> Tensor:
        """(N,) |g|; zero where the step gave none."""
        found = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.tensors.values()]
        return torch.cat([g.abs().flatten().cpu() for g in found])
