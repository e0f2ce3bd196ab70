"""What variants and scopes can read: the model, the optimizers, and the parameters that train at this step.

The parameters are those that the optimizers hold, whatever else the model has: what no optimizer updates has no place
in ε. Both lists are read anew at every step, because users freeze, unfreeze and add parameters as they train.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import nn
from torch.optim import Optimizer

from bench.sam.base.base_view import BaseView
from bench.sam.clock import Clock
from bench.sam.norms import NormRule


class Context:
    """The training run that a variant or scope is part of."""

    def __init__(
        self,
        *,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        norm_rule: NormRule,
        stages: tuple[int, ...],
        seed: int,
    ) -> None:
        self.model = model
        """The network itself, without the wrappers of DDP or torch.compile."""
        self.optimizers = tuple(optimizers)
        """The base optimizers."""
        self.norm_rule = norm_rule
        """How normalization layers are recognised: see `norm_parameters`."""
        self.stages = stages
        """Stages that the scope is limited to; none: the whole network."""
        self.seed = seed
        """Seed of the random choices of variant and scope."""
        self.base = BaseView(self.optimizers)
        """What may be read of the base optimizers."""
        self.clock = Clock()
        """How far the run is."""
        self.max_grad_norm: float | None = None
        """What the final gradient is clipped to."""
        self.held: dict[str, nn.Parameter] = {}
        """Parameters that the optimizers hold, frozen ones too, by name."""
        self.trainable: dict[str, nn.Parameter] = {}
        """Those of them that require a gradient at this step."""
        self._outside: list[nn.Parameter] = []
        self._ids: list[int] = []
        self.refresh()

    @property
    def optimizer(self) -> Optimizer:
        """The first of the optimizers, whose learning rate counts."""
        return self.optimizers[0]

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(iter(self.held.values())).device

    @property
    def outside(self) -> list[nn.Parameter]:
        """Parameters of the model that require a gradient and that no optimizer holds."""
        return [parameter for parameter in self._outside if parameter.requires_grad]

    def refresh(self) -> bool:
        """Read which parameters train now; whether they have changed."""
        ids = [id(p) for optimizer in self.optimizers for group in optimizer.param_groups for p in group["params"]]
        if ids != self._ids:
            self._ids = ids
            self._name(set(ids))
        trainable = {name: p for name, p in self.held.items() if p.requires_grad}
        changed = trainable.keys() != self.trainable.keys() or any(
            p is not self.trainable[name] for name, p in trainable.items()
        )
        self.trainable = trainable
        return changed

    def _name(self, ids: set[int]) -> None:
        """Names in the model's order; what an optimizer holds beyond the model is named by its place there."""
        own = dict(self.model.named_parameters())
        self.held = {name: p for name, p in own.items() if id(p) in ids}
        self._outside = [p for p in own.values() if id(p) not in ids]
        known = {id(p) for p in own.values()}
        self.held |= {name: p for name, p in _places(self.optimizers) if id(p) not in known}


def _places(optimizers: Iterable[Optimizer]) -> Iterable[tuple[str, nn.Parameter]]:
    for number, optimizer in enumerate(optimizers):
        for group, entry in enumerate(optimizer.param_groups):
            for place, parameter in enumerate(entry["params"]):
                yield f"optimizer{number}.param_groups.{group}.{place}", parameter
