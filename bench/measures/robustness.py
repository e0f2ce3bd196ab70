"""Adversarial robustness: accuracy under APGD-CE, then APGD-T on the images that are still right.

The attacks are those of AutoAttack (Croce and Hein 2020, "Reliable evaluation of adversarial robustness with an
ensemble of diverse parameter-free attacks") from the package `pyautoattack`, which holds its authors' code: one random
start each, APGD-T on the difference-of-logits ratio towards one wrong class after the other. Attacked images stay in
[0, 1]; the model sees them normalized.
"""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor, nn

from bench.data.splits import Splits
from bench.measures import MEASURES
from bench.measures.trained import Trained
from bench.seeds import derive

_BATCH = 256
_NORMS = {"linf": "Linf", "l2": "L2"}
_log = logging.getLogger(__name__)


class OnUnitImages(nn.Module):
    """A model on images in [0, 1]: it normalizes them itself."""

    def __init__(self, model: nn.Module, splits: Splits) -> None:
        super().__init__()
        self._model = model
        self._splits = splits

    def forward(self, images: Tensor) -> Tensor:
        """(n, c, h, w) in [0, 1] → (n, classes) logits."""
        return self._model(self._splits.standardize(images)).float()


def robust_accuracy(trained: Trained, *, norm: str, eps: float, iterations: int, targets: int, samples: int) -> float:
    """In % of the test split, or of its first `samples` images. ValueError for a model of fewer than 4 classes."""
    trained.model.eval()
    test, splits = trained.splits.test, trained.splits
    count = min(samples or len(test), len(test))
    attacked = OnUnitImages(trained.model, splits)
    spared = 0
    for number, (images, labels) in enumerate(test.batches(torch.arange(count), _BATCH)):
        seed = derive(trained.seed, "attack", number)
        options = {"norm": _NORMS[norm], "eps": eps, "n_iter": iterations, "seed": seed}
        spared += survivors(attacked, images.float() / splits.scale, labels, targets, **options)
    return 100.0 * spared / count


def survivors(model: nn.Module, images: Tensor, labels: Tensor, targets: int, **options: Any) -> int:
    """How many of the images (n, c, h, w) in [0, 1] no attack makes the model classify wrongly."""
    # Here, because a training never attacks.
    from pyautoattack.autopgd_base import APGDAttack, APGDAttack_targeted

    with torch.no_grad():
        logits = model(images)
    classes = logits.shape[1]
    if classes < (fewest := MEASURES["robust_accuracy"].fewest_classes):
        raise ValueError(f"APGD-T needs at least {fewest} classes, and there are {classes}")
    images, labels = _right(logits, images, labels)
    attacks = (
        APGDAttack(model, logger=_log, **options),
        APGDAttack_targeted(model, logger=_log, n_target_classes=min(targets, classes - 1), **options),
    )
    for attack in attacks:
        if len(labels):
            with torch.random.fork_rng([images.device] if images.is_cuda else []):
                found = attack.perturb(images, labels)
            with torch.no_grad():
                images, labels = _right(model(found), images, labels)
    return len(labels)


def _right(logits: Tensor, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Those that are classified rightly."""
    right = logits.argmax(1) == labels
    return images[right], labels[right]
