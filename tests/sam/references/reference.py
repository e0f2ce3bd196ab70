"""The plain, slow way: two full passes, every gradient taken, every parameter copied, one formula per variant.

Written from the formulas alone. The random choices of a method (a mask, ESAM's tensors) come in as arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

Named = dict[str, Tensor]


def norm_of(tensors: Named) -> Tensor:
    return torch.cat([t.flatten() for t in tensors.values()]).norm()


def normalised(rho: float, squared: Named, scaled: Named, floor: float) -> Named:
    length = norm_of(scaled)
    return {n: rho * t / (length + floor) for n, t in squared.items()}


def with_scale(scale: Callable[[str, Tensor], Tensor]) -> Callable[..., Named]:
    def perturbation(w: Named, g: Named, rho: float, floor: float, s: dict[str, float]) -> Named:
        t = {n: scale(n, w[n], s) for n in g}
        return normalised(rho, {n: t[n] ** 2 * g[n] for n in g}, {n: t[n] * g[n] for n in g}, floor)

    return perturbation


def linf(w: Named, g: Named, rho: float, floor: float, s: dict[str, float]) -> Named:
    return {n: rho * (w[n].abs() + s["eta"]) * g[n].sign() for n in g}


def fisher(w: Named, g: Named, rho: float, floor: float, s: dict[str, float]) -> Named:
    weight = {n: 1 / (1 + s["eta"] * g[n] ** 2) for n in g}
    total = sum((g[n] ** 2 * weight[n]).sum() for n in g)
    return {n: rho * g[n] * weight[n] / (total.sqrt() + floor) for n in g}


PERTURBATIONS = {
    "sam": with_scale(lambda n, w, s: torch.ones_like(w)),
    "elementwise_l2": with_scale(lambda n, w, s: w.abs() + s["eta"]),
    "elementwise_l2_orig": with_scale(lambda n, w, s: w.abs() + s["eta"] if "weight" in n else torch.ones_like(w)),
    "elementwise_linf": linf,
    "layerwise_l2": with_scale(lambda n, w, s: torch.full_like(w, float(w.norm()) + s["eta"])),
    "fisher": fisher,
    "esam": with_scale(lambda n, w, s: torch.ones_like(w)),
    "gsam": with_scale(lambda n, w, s: torch.ones_like(w)),
    "looksam": with_scale(lambda n, w, s: torch.ones_like(w)),
}
FLOORS = {"esam": 1e-7, "gsam": 1e-12}


@dataclass
class Reference:
    """A training run without shortcuts. `names` are the perturbed parameters."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    variant: str
    names: list[str]
    rho: float
    settings: dict[str, float]
    bn_stats: str = "both"
    steps: int = 0
    remembered: Named = field(default_factory=dict)

    def gradients(self, x: Tensor, y: Tensor) -> Named:
        self.model.zero_grad()
        functional.cross_entropy(self.model(x), y).backward()
        named = self.model.named_parameters()
        return {n: p.grad.clone() for n, p in named if p.grad is not None}

    def sample_losses(self, x: Tensor, y: Tensor) -> Tensor:
        """Without moving running statistics."""
        kept = {n: b.clone() for n, b in self.model.named_buffers()}
        with torch.no_grad():
            losses = functional.cross_entropy(self.model(x), y, reduction="none")
            for n, b in self.model.named_buffers():
                b.copy_(kept[n])
        return losses

    def step(self, x: Tensor, y: Tensor, *, before: Named | None = None, after: Named | None = None) -> None:
        """`before` and `after`: masks of g and of ε."""
        self.steps += 1
        every = self.settings.get("every", 1)
        if self.variant == "looksam" and (self.steps - 1) % every:
            self.update(self.looksam_between(self.gradients(x, y)))
            return
        losses = self.sample_losses(x, y) if self.variant == "esam" else None
        g = self.gradients(x, y)
        w = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        epsilon = self.epsilon(w, g, before, after)
        with torch.no_grad():
            for n, p in self.model.named_parameters():
                p.copy_(w[n] + epsilon.get(n, torch.zeros_like(p)))
        if losses is not None:
            rise = self.sample_losses(x, y) - losses
            order = sorted(range(len(x)), key=lambda i: -float(rise[i]))
            kept = sorted(order[: int(self.settings["sample_share"] * len(x))])
            x, y = x[kept], y[kept]
        g_p = self.second(x, y)
        with torch.no_grad():
            for n, p in self.model.named_parameters():
                p.copy_(w[n])
        self.update(self.finished(g, g_p))

    def epsilon(self, w: Named, g: Named, before: Named | None, after: Named | None) -> Named:
        inside = {n: g[n].clone() for n in self.names if n in g}
        for n in inside:
            inside[n] *= 1 if before is None else before.get(n, torch.zeros(()))
        floor = 1e-7 if after is not None else FLOORS.get(self.variant, 1e-16)
        rho = self.rho / self.settings.get("tensor_share", 1)
        epsilon = PERTURBATIONS[self.variant](w, inside, rho, floor, self.settings)
        return {n: e if after is None else e * after[n] for n, e in epsilon.items()}

    def second(self, x: Tensor, y: Tensor) -> Named:
        layers = [m for m in self.model.modules() if isinstance(m, _BatchNorm)]
        kept = [{n: b.clone() for n, b in layer.named_buffers()} for layer in layers]
        g_p = self.gradients(x, y)
        if self.bn_stats == "first":
            with torch.no_grad():
                for layer, buffers in zip(layers, kept, strict=True):
                    for n, b in layer.named_buffers():
                        b.copy_(buffers[n])
        return g_p

    def finished(self, g: Named, g_p: Named) -> Named:
        if self.variant == "gsam":
            inner = sum((g[n] * g_p[n]).sum() for n in g)
            share = inner / norm_of(g_p) ** 2
            return {n: g_p[n] - self.settings["alpha"] * (g[n] - share * g_p[n]) for n in g}
        if self.variant == "looksam":
            for n in g:
                cosine = (g[n] * g_p[n]).sum() / (g[n].norm() * g_p[n].norm())
                self.remembered[n] = g_p[n] - g_p[n].norm() * cosine * g[n] / g[n].norm()
        return g_p

    def looksam_between(self, g: Named) -> Named:
        alpha, v = self.settings["alpha"], self.remembered
        return {n: g[n] + alpha * g[n].norm() / (v[n].norm() + 1e-8) * v[n] for n in g}

    def update(self, gradients: Named) -> None:
        for n, p in self.model.named_parameters():
            p.grad = gradients.get(n)
        self.optimizer.step()
