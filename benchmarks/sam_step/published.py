"""SAM on normalization layers the way public code does it, as a yardstick: in another process, on request.

Two full passes; parameters chosen by a loop over names; a copy of every parameter at each step; default
environment and memory layout. For every line read from standard input one step is made, and its seconds are
printed.
"""

from __future__ import annotations

import sys

import torch
from torch import Tensor, nn
from torch.nn import functional

from sam_step.workload import MODELS, THREADS, base_optimizer, batch, now


class TwoFullPasses:
    """SAM's step on the parameters with "norm" or "bn" in their names."""

    def __init__(self, model: nn.Module, rho: float) -> None:
        self.model, self.rho = model, rho
        self.optimizer = base_optimizer(model)

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        """Both passes and the update."""
        functional.cross_entropy(self.model(inputs), targets).backward()
        old = self._perturb()
        self.optimizer.zero_grad()
        functional.cross_entropy(self.model(inputs), targets).backward()
        for name, parameter in self.model.named_parameters():
            parameter.data = old[name]
        self.optimizer.step()
        self.optimizer.zero_grad()

    @torch.no_grad()
    def _perturb(self) -> dict[str, Tensor]:
        old, norms = {}, []
        for name, parameter in self.model.named_parameters():
            old[name] = parameter.data.clone()
            if "norm" in name or "bn" in name:
                norms.append(parameter.grad.norm())
        scale = self.rho / (torch.stack(norms).norm() + 1e-16)
        for name, parameter in self.model.named_parameters():
            if "norm" in name or "bn" in name:
                parameter.add_(parameter.grad * scale)
        return old


def main() -> None:
    """Serve steps of the model named by the first argument."""
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    method = TwoFullPasses(MODELS[sys.argv[1]](), rho=0.5)
    inputs, targets = batch()
    for _ in sys.stdin:
        start = now("cpu")
        method.step(inputs, targets)
        print(now("cpu") - start, flush=True)


if __name__ == "__main__":
    main()
