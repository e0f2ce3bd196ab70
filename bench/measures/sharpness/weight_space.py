"""The loss as a function of all weights in one vector, which leaves the model itself as it is.

The model is evaluated with other weights than its own, never given them: its weights and running statistics are
afterwards what they were, to the bit, whatever happens meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from bench.measures.trained import Trained

Batches = Sequence[tuple[Tensor, Tensor]]
"""Normalized images and labels."""

_FLOOR = 1e-10
"""Least norm that logits are divided by."""


class WeightSpace:
    """The mean cross-entropy of a batch in eval mode, without label smoothing, over every parameter of a model."""

    def __init__(self, model: nn.Module, *, normalize_logits: bool) -> None:
        model.eval()
        self._model = model
        self._normalize = normalize_logits
        named = dict(model.named_parameters())
        self._shapes = {name: parameter.shape for name, parameter in named.items()}
        self.weights = torch.cat([parameter.detach().flatten() for parameter in named.values()])
        """(d,): the trained weights, those that were frozen too."""

    def loss(self, weights: Tensor, images: Tensor, labels: Tensor) -> Tensor:
        """The mean loss in nats at `weights` (d,) of images (n, c, h, w) and labels (n,)."""
        pieces = weights.split([shape.numel() for shape in self._shapes.values()])
        parameters = {
            name: piece.view(shape) for (name, shape), piece in zip(self._shapes.items(), pieces, strict=True)
        }
        logits = functional_call(self._model, parameters, (images,)).float()
        return cross_entropy(normalized(logits) if self._normalize else logits, labels)

    def gradient(self, weights: Tensor, images: Tensor, labels: Tensor) -> tuple[float, Tensor]:
        """The loss and its gradient (d,) at `weights`."""
        at = weights.detach().requires_grad_()
        loss = self.loss(at, images, labels)
        (gradient,) = torch.autograd.grad(loss, at)
        return float(loss.detach()), gradient


def normalized(logits: Tensor) -> Tensor:
    """(n, classes) logits of zero mean and unit norm, so that their scale doesn't count (Müller et al. 2023, eq. 6)."""
    centred = logits - logits.mean(1, keepdim=True)
    return centred / centred.norm(dim=1, keepdim=True).clamp_min(_FLOOR)


def first_batches(trained: Trained, samples: int, m: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The first training images, unaugmented, in whole batches of m; ValueError if they fill none."""
    train = trained.splits.train
    count = min(samples, len(train))
    count -= count % m
    if not count:
        raise ValueError(f"{min(samples, len(train))} training images fill no batch of m = {m}; choose a smaller m")
    return trained.splits.normalized(train.batches(torch.arange(count), m))
