"""The plain, slow way of the further variants: each written from its formulas alone, a class a method.

As in `reference.py` two full passes are run, every gradient is taken, every parameter copied; a batch may be cut into
micro-batches, over whose gradients means are taken. Random draws come from where the methods document that they do.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bench.seeds import derive
from tests.sam.references.hooked import Further, Masks, mean
from tests.sam.references.reference import Named, Reference, norm_of


class Gcsam(Further):
    def ascent(self, g: Named) -> Named:
        centred = {n: self.centre(v) for n, v in g.items()}
        return self.unit(centred, 1e-12, norm_of(centred if self.settings["form"] == "paper" else g))

    def finished(self, g: Named, g_p: Named) -> Named:
        return {n: self.centre(v) for n, v in g_p.items()} if self.settings["form"] == "paper" else g_p

    def centre(self, v: Tensor) -> Tensor:
        return v - v.flatten(1).mean(1).view(-1, *[1] * (v.dim() - 1)) if v.dim() > 1 else v


class Zsharp(Further):
    def ascent(self, g: Named) -> Named:
        f = {n: self.filtered(v) for n, v in g.items()}
        if self.settings["norm_over"] == "all":
            return self.unit(f, 1e-12)
        whole, epsilon = norm_of(g), {}
        for n, v in g.items():
            own = v.dim() > 1 and v.numel() > 1 and f[n].any()
            epsilon[n] = self.rho * f[n] / (f[n].norm() + 1e-12) if own else self.rho * v / (whole + 1e-12)
        return epsilon

    def filtered(self, v: Tensor) -> Tensor:
        if v.dim() < 2 or v.numel() < 2:
            return v
        z = ((v - v.mean()) / (v.flatten().std(correction=1) + 1e-12)).abs()
        return v * (z > torch.quantile(z.flatten(), self.settings["quantile"]))


class StableSam(Further):
    def ascent(self, g: Named) -> Named:
        return self.unit(g, 1e-12) if self.settings["normalised"] else {n: self.rho * v for n, v in g.items()}

    def finished(self, g: Named, g_p: Named) -> Named:
        over = self.inside if self.settings["norm_over"] == "scope" else dict
        scale = norm_of(over(g)) / (norm_of(over(g_p)) + 1e-12)
        return {n: v * scale for n, v in g_p.items()}


class Wsam(Further):
    rise: Named

    def ascent(self, g: Named) -> Named:
        return self.unit(g, 1e-12)

    def finished(self, g: Named, g_p: Named) -> Named:
        self.rise = {n: g_p[n] - g[n] for n in g}
        if self.settings["decouple"]:
            return g
        return {n: self.alpha * g_p[n] + (1 - self.alpha) * g[n] for n in g}

    @property
    def alpha(self) -> float:
        return self.settings["gamma"] / (1 - self.settings["gamma"])

    def update(self, gradients: Named) -> None:
        super().update(gradients)
        with torch.no_grad():
            for n, p in self.model.named_parameters() if self.settings["decouple"] else ():
                p -= self.optimizer.param_groups[0]["lr"] * self.alpha * self.rise.get(n, torch.zeros_like(p))


class Friendly(Further):
    def ascent(self, g: Named) -> Named:
        common = self.inside(self.remembered)
        return self.unit({n: v - self.settings["sigma"] * common.get(n, 0) for n, v in g.items()}, 1e-12)

    def finished(self, g: Named, g_p: Named) -> Named:
        decay = self.settings["decay"]
        for n, v in self.inside(g).items():
            self.remembered[n] = decay * self.remembered[n] + (1 - decay) * v if n in self.remembered else v
        return g_p


class Vasso(Further):
    def ascent(self, g: Named) -> Named:
        return self.unit({n: self.mixed(n, v) for n, v in g.items()}, 1e-7)

    def finished(self, g: Named, g_p: Named) -> Named:
        for n, v in self.inside(g).items():
            self.remembered[n] = self.mixed(n, v)
        return g_p

    def mixed(self, n: str, v: Tensor) -> Tensor:
        theta = self.settings["theta"]
        return (1 - theta) * self.remembered[n] + theta * v if n in self.remembered else v


class UnifiedSam(Further):
    def ascent(self, g: Named) -> Named:
        schedules = {"constant": self.settings["share"], "rising": 1 - 1 / self.steps, "falling": 1 / self.steps}
        share = schedules[str(self.settings["schedule"])]
        length = norm_of(g) + (1e-12 if self.after is None else 1e-7)
        return {n: self.rho * (1 - share + share / length) * v for n, v in g.items()}


class Msam(Further):
    def momenta(self) -> Named:
        state = self.optimizer.state
        found = {n: state.get(p, {}) for n, p in self.model.named_parameters()}
        return {n: s.get("momentum_buffer", s.get("exp_avg")) for n, s in found.items() if s}

    def perturbs(self) -> bool:
        return bool(self.momenta())

    def passes(self, place: int, x: Tensor, y: Tensor) -> tuple[Named, Named]:
        self.epsilon_now = self.limited(self.unit({n: -v for n, v in self.inside(self.momenta()).items()}, 1e-12))
        return {}, self.at(self.epsilon_now, x, y, first=True)

    def finished(self, g: Named, g_p: Named) -> Named:
        coupled = isinstance(self.optimizer, torch.optim.SGD) and self.settings["decay_at"] == "perturbed"
        epsilon = self.epsilon_now if self.steps > 1 and coupled else {}
        decay = self.optimizer.param_groups[0]["weight_decay"]
        return {n: v + decay * epsilon.get(n, 0) for n, v in g_p.items()}


class AsyncSam(Further):
    def perturbs(self) -> bool:
        return bool(self.remembered)

    def passes(self, place: int, x: Tensor, y: Tensor) -> tuple[Named, Named]:
        epsilon = self.limited(self.unit(self.inside(self.remembered), 1e-12))
        recycled = self.settings["ascent"] == "recycled"
        return {} if recycled else self.gradients(x, y), self.at(epsilon, x, y, first=recycled)

    def finished(self, g: Named, g_p: Named) -> Named:
        self.remembered = self.inside(g or g_p)
        return g_p


class AeSam(Further):
    mean, variance = 0.0, math.exp(-10)

    def step(self, x: Tensor, y: Tensor, *, before: Masks = None, after: Masks = None, m: int | None = None) -> None:
        buffers = {n: b.clone() for n, b in self.model.named_buffers()}
        parts = list(zip(x.split(m or len(x)), y.split(m or len(x)), strict=True))
        g = mean([self.gradients(*part) for part in parts])
        q, decay = float(norm_of(g)) ** 2, self.settings["decay"]
        self.mean = decay * self.mean + (1 - decay) * q
        self.variance = decay * self.variance + (1 - decay) * (q - self.mean) ** 2
        done = self.steps / self.total
        threshold = done * self.settings["threshold_end"] + (1 - done) * self.settings["threshold_start"]
        if q < self.mean + threshold * math.sqrt(self.variance):
            self.steps += 1
            self.update(g)
            return
        with torch.no_grad():
            for n, b in self.model.named_buffers():
                b.copy_(buffers[n])
        super().step(x, y, before=before, after=after, m=m)


class Rst(Further):
    seed = 0

    def perturbs(self) -> bool:
        return derive(self.seed, "rst", self.steps - 1) / 2**63 < self.settings["probability"]


class KSam(Further):
    def passes(self, place: int, x: Tensor, y: Tensor) -> tuple[Named, Named]:
        losses = self.sample_losses(x, y).tolist()
        kept = sorted(range(len(x)), key=lambda i: -losses[i])[: max(1, int(self.settings["sample_share"] * len(x)))]
        return super().passes(place, x[sorted(kept)], y[sorted(kept)])


class Bsam(Further):
    seed = 0

    def passes(self, place: int, x: Tensor, y: Tensor) -> tuple[Named, Named]:
        noise = {}
        for n in self.names:
            generator = torch.Generator().manual_seed(derive(self.seed, "noise", self.steps - 1, place, n))
            draw = torch.randn(self.start[n].shape, generator=generator, dtype=self.start[n].dtype)
            noise[n] = draw / (self.settings["data_size"] * self.s(n)).sqrt()
        g = self.at(self.limited(noise), x, y, first=True)
        epsilon = {n: self.rho * v / self.s(n) for n, v in self.inside(g).items()}
        return {n: v.abs() for n, v in g.items()}, self.at(self.limited(epsilon), x, y)

    def s(self, n: str) -> Tensor:
        return self.remembered.get(f"s {n}", torch.full_like(self.start[n], self.settings["s_init"]))

    def finished(self, g: Named, g_p: Named) -> Named:
        steps, set_ = {}, self.settings
        for n, v in g_p.items():
            s, q = self.s(n), self.remembered.get(f"q {n}", torch.zeros_like(v))
            q = set_["beta1"] * q + (1 - set_["beta1"]) * (v + set_["delta"] * self.start[n])
            steps[n] = q / s
            grown = s.sqrt() * g[n] + set_["damping"] + set_["delta"]
            self.remembered[f"q {n}"] = q
            self.remembered[f"s {n}"] = set_["beta2"] * s + (1 - set_["beta2"]) * grown
        return steps


FURTHER_REFERENCES: dict[str, type[Further]] = {
    "msam": Msam, "async_sam": AsyncSam, "ae_sam": AeSam, "rst": Rst, "k_sam": KSam, "friendly": Friendly,
    "vasso": Vasso, "gcsam": Gcsam, "zsharp": Zsharp, "unified_sam": UnifiedSam, "stable_sam": StableSam,
    "wsam": Wsam, "bsam": Bsam,
}  # fmt: skip


def reference_of(variant: str, *arguments: Any, **options: Any) -> Reference:
    """The slow run of a variant."""
    return FURTHER_REFERENCES.get(variant, Reference)(*arguments, **options)
