"""Below 32 bits: the ascent pass in lower precision, and what 16 bits can't do.

ε only needs a direction, which survives bf16 to two or three digits; the descent pass keeps its full
precision. Meant for training without autocast: with it, both passes are in its precision anyway.
"""

from __future__ import annotations

import math
import warnings
from contextlib import AbstractContextManager, nullcontext

import torch
from torch.amp.grad_scaler import GradScaler

from bench.resources import has_units_for
from bench.sam.context import Context
from bench.sam.scopes.scope import Scope

_SHORT = (torch.bfloat16, torch.float16)


class AscentPrecision:
    """Autocast for pass 1."""

    def __init__(self, device: torch.device, dtype: torch.dtype | None) -> None:
        self._type = device.type
        self._dtype = dtype

    def lowered(self) -> AbstractContextManager[object]:
        """Inside, the forward pass runs in the lower precision."""
        return nullcontext() if self._dtype is None else torch.autocast(self._type, dtype=self._dtype)

    def usual(self) -> AbstractContextManager[object]:
        """Within `lowered`: what both passes share keeps the precision of pass 2."""
        return nullcontext() if self._dtype is None else torch.autocast(self._type, enabled=False)


def check_precision(
    context: Context, scope: Scope, rho: float, autocast: torch.dtype | None, scaler: GradScaler | None
) -> None:
    """Warn of precisions that do less than they promise. ValueError for a scaler of gradients in 16 bits."""
    short = [p for p in scope.tensors.values() if p.dtype in _SHORT]
    if short and scaler is not None and any(p.dtype == torch.float16 for p in short):
        raise ValueError(
            "the weights are float16, whose gradients a GradScaler can't unscale: keep them in float32 and use "
            "amp_dtype=torch.float16"
        )
    if short and short[0].device.type != "meta":
        size = rho / math.sqrt(sum(p.numel() for p in scope.tensors.values()))
        warnings.warn(
            f"the perturbed weights are {_name(short[0].dtype)}: rounding leaves most of w + ε at w. An ε of rho = "
            f"{rho} with all entries alike would move {_share_above(short, size):.0%} of them; keep the weights in "
            "float32 and use amp_dtype. `last.moved` is the share in a step",
            stacklevel=3,
        )
    if autocast is not None and context.device.type == "cpu" and not has_units_for(_name(autocast)):
        warnings.warn(
            f"this processor has no units for {_name(autocast)} (AVX512-BF16, AMX): it is emulated, and a step in it "
            "takes several times as long as in float32",
            stacklevel=3,
        )


@torch.no_grad()
def _share_above(weights: list[torch.nn.Parameter], size: float) -> float:
    """Share of the entries that adding `size` changes."""
    changed = sum(int((weight.float().add(size).to(weight.dtype) != weight).sum()) for weight in weights)
    return changed / sum(weight.numel() for weight in weights)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
