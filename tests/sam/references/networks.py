"""Small networks of every kind of normalization, in double precision, and a batch for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from bench.models import build
from bench.models.vit import ChainedVisionTransformer
from tests.shared.timing import patience

STAGED = ("resnet8", "vit")
"""Networks that say what their stages are."""


class GroupNormNet(nn.Module):
    """Two convolutions with group norm; no segments, and a parameter that the loss doesn't depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.gn1 = nn.GroupNorm(2, 8)
        self.conv2 = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.gn2 = nn.GroupNorm(4, 8)
        self.head = nn.Linear(8, 10)
        self.unused = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, h, w) → (n, 10)."""
        x = functional.relu(self.gn1(self.conv1(x)))
        x = functional.relu(self.gn2(self.conv2(x)))
        return self.head(x.mean((2, 3)))


def vit(depth: int = 4) -> nn.Module:
    """A small transformer, which has matrices and norm layers."""
    return ChainedVisionTransformer(
        img_size=8, patch_size=2, num_classes=10, embed_dim=32, depth=depth, num_heads=2, mlp_ratio=2.0
    )


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet8": lambda: build("resnet8", image_size=8),
    "vit": vit,
    "groupnorm": GroupNormNet,
}


def network(name: str, dtype: torch.dtype = torch.float64) -> nn.Module:
    """A network with norm parameters that are neither 0 nor 1, the same every time."""
    torch.manual_seed(0)
    model = NETWORKS[name]().to(dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def batch(size: int = 8, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """(size, 3, 8, 8) inputs and (size,) labels."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(size, 3, 8, 8, generator=generator, dtype=torch.float64).to(dtype)
    return inputs, torch.randint(0, 10, (size,), generator=generator)


def sgd(model: nn.Module, lr: float = 0.05) -> torch.optim.SGD:
    """The base optimizer of these tests."""
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=5e-4)


REQUIRED: dict[str, dict[str, Any]] = {"bsam": {"data_size": 1000.0, "delta": 0.01}}
"""Settings that a variant has no default for."""


def base_of(variant: str, base: str, model: nn.Module) -> torch.optim.Optimizer:
    """A base optimizer that the variant works on: `sgd` or `adamw` as a rule."""
    if variant == "bsam":
        return torch.optim.SGD(model.parameters(), lr=0.05)
    if base == "adamw":
        return torch.optim.AdamW(model.parameters(), lr=0.002, weight_decay=0.05)
    return sgd(model)


def states_equal(one: nn.Module, other: nn.Module) -> bool:
    """Whether weights and running statistics agree to the bit."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def distance(one: nn.Module, other: nn.Module) -> float:
    """Largest difference of a weight or running statistic."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return max(float((a.double() - b.double()).abs().max()) for a, b in pairs)


@contextmanager
def process_group(rank: int, size: int, file: str) -> Iterator[None]:
    longest = timedelta(seconds=patience())
    distributed.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=size, timeout=longest)
    try:
        yield
    finally:
        distributed.destroy_process_group()
