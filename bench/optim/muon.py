"""Muon for matrices, with AdamW for what isn't one (Jordan et al. 2024; learning rates as in Liu et al. 2025).

The updates are torch's: `torch.optim.Muon` takes matrices of two dimensions, and `torch.optim.AdamW` all that has
fewer, or three, as tokens and positions do. Kernels of a convolution are a matrix too, one row for each output channel.
What torch's two optimizers remember is held here, by parameter and in its shape, so that it is saved as any other's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer

_MATRICES = (2, 4)
"""Dimensions of matrices, and of kernels."""


def muon(groups: list[dict[str, Any]], *, lr: float, beta1: float, beta2: float, **settings: Any) -> Optimizer:
    """Both optimizers, made of a trial's settings."""
    return MuonWithAdamW(groups, lr=lr, betas=(beta1, beta2), **settings)


class MuonWithAdamW(Optimizer):
    """Both as one optimizer: each parameter group is split in two, and `lr` is that of both."""

    def __init__(
        self,
        groups: list[dict[str, Any]],
        *,
        lr: float,
        momentum: float,
        nesterov: bool,
        ns_steps: int,
        adjust_lr: str,
        betas: tuple[float, float],
        adamw_lr_scale: float,
    ) -> None:
        super().__init__([part for group in groups for part in _split(group)], {"lr": lr, "weight_decay": 0.0})
        self._scale = adamw_lr_scale
        self._muon = [
            Muon([nn.Parameter(_matrix(p)) for p in group["params"]], lr=lr, momentum=momentum, nesterov=nesterov,
                 ns_steps=ns_steps, adjust_lr_fn=adjust_lr)
            for group in self.param_groups if group["matrices"]
        ]  # fmt: skip
        self._adamw = [
            AdamW(group["params"], lr=lr, betas=betas, fused=True)
            for group in self.param_groups if not group["matrices"]
        ]  # fmt: skip

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group, muon in zip([g for g in self.param_groups if g["matrices"]], self._muon, strict=True):
            self._orthogonal(group, muon)
        for group, adamw in zip([g for g in self.param_groups if not g["matrices"]], self._adamw, strict=True):
            adamw.param_groups[0] |= {"lr": group["lr"] * self._scale, "weight_decay": group["weight_decay"]}
            for parameter in group["params"]:
                adamw.state[parameter] = self.state[parameter]
            adamw.step()

    def _orthogonal(self, group: dict[str, Any], muon: Muon) -> None:
        inner = muon.param_groups[0]
        inner |= {"lr": group["lr"], "weight_decay": group["weight_decay"]}
        for parameter, seen in zip(group["params"], inner["params"], strict=True):
            # Seen anew in every step: nothing says that the weights stay where they were.
            seen.data = _matrix(parameter)
            seen.grad = None if parameter.grad is None else _matrix(parameter.grad)
            if parameter.grad is not None:
                state = self.state[parameter]
                state.setdefault("momentum_buffer", torch.zeros_like(parameter))
                muon.state[seen] = {"momentum_buffer": _matrix(state["momentum_buffer"])}
        muon.step()


def _split(group: dict[str, Any]) -> list[dict[str, Any]]:
    """The group's matrices and its other parameters, as far as it has any."""
    matrices = [p for p in group["params"] if p.dim() in _MATRICES]
    others = [p for p in group["params"] if p.dim() not in _MATRICES]
    # AdamW's count of steps lies on the device, and a load must leave it there.
    parts = [
        {**group, "params": matrices, "matrices": True},
        {**group, "params": others, "matrices": False, "fused": True},
    ]
    return [part for part in parts if part["params"]]


def _matrix(tensor: Tensor) -> Tensor:
    """A view of two dimensions; where channels lie last in memory, with its columns in their order."""
    plain = tensor.detach()
    if plain.dim() == 2:
        return plain
    return plain.flatten(1) if plain.is_contiguous() else plain.permute(0, 2, 3, 1).view(len(plain), -1)
