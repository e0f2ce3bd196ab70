"""SAM-ON's convergence theorem (Müller et al. 2023, Theorem C.5) in its one-step form.

For f = mean of f_i, each f_i L-smooth with ‖∇f_i‖² ≤ M, and h ≤ 1/L:
E f(w⁺) ≤ f(w) − (h/2)‖∇f(w)‖² + L·h²·M + ½·h·L²·ρ²·(1 + L·h) with w⁺ = w − h·∇f_i(w + ε_i), whatever ε_i is as long
as ‖ε_i‖ ≤ ρ.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bench.sam import SharpnessAware

DIMENSIONS = 4
VARIANTS = ["sam", "fisher", "gsam"]


class Waves(nn.Module):
    """f_i(w) = Σ_j c_ij·sin(w_j + φ_ij): not convex, with L = max |c_ij| and M = max_i Σ_j c_ij²."""

    def __init__(self, amplitude: Tensor, phase: Tensor, start: Tensor) -> None:
        super().__init__()
        self.amplitude, self.phase = amplitude, phase
        self.left, self.right = nn.Parameter(start[:2].clone()), nn.Parameter(start[2:].clone())

    def forward(self, member: int | slice = slice(None)) -> Tensor:
        """f_i of one member, or f, the mean over all."""
        w = torch.cat([self.left, self.right])
        return (self.amplitude[member] * torch.sin(w + self.phase[member])).sum(-1).mean()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("scope", ["all", ["right"], "random"])
@given(data=st.data())
@settings(max_examples=40, deadline=None, database=None)
def test_one_step(variant: str, scope: Any, data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 2**31), label="seed")
    rho = data.draw(st.floats(1e-3, 3.0), label="rho")
    step_share = data.draw(st.floats(0.01, 1.0), label="h·L")
    generator = torch.Generator().manual_seed(seed)
    shape = (3, DIMENSIONS)
    amplitude = torch.randn(shape, generator=generator, dtype=torch.float64)
    phase = 6.3 * torch.rand(shape, generator=generator, dtype=torch.float64)
    start = 3 * torch.randn(DIMENSIONS, generator=generator, dtype=torch.float64)
    smoothness, bound = float(amplitude.abs().max()), float((amplitude**2).sum(1).max())
    lr = step_share / smoothness
    after = []
    for member in range(3):
        model = Waves(amplitude, phase, start)
        chosen = {"alpha": 0.0} if variant == "gsam" else {}
        chosen |= {"sparsity": 0.5} if scope == "random" else {}
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        method = SharpnessAware(model, optimizer, variant, scope, rho, settings=chosen)
        method.step(lambda model=model, member=member: model(member))
        assert float(method.last.perturbation_norm) <= rho * (1 + 1e-9)
        after.append(model().item())
    model = Waves(amplitude, phase, start)
    value = model()
    value.backward()
    squared = float(model.left.grad.square().sum() + model.right.grad.square().sum())
    noise = smoothness * lr**2 * bound
    sharpness = lr * smoothness**2 * rho**2 * (1 + smoothness * lr) / 2
    assert sum(after) / 3 <= value.item() - lr / 2 * squared + noise + sharpness + 1e-12
