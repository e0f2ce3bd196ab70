"""SSAM-F (Mi et al. 2022, algorithm 2): live are the entries with the largest empirical Fisher information.

F_i = Σ over n samples of (∂CE/∂w_i)², one sample at a time, true labels, no label smoothing; the int(N(1−s))
largest are live. F is measured in eval mode, so that running statistics stay those of training; the authors'
code moves them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.sam.context import Context
from bench.sam.passes.samples import Samples, draw
from bench.sam.scopes.ssam import Ssam

_OFF = 0.01
"""How far probabilities may add up to something else than 1."""


class SsamF(Ssam):
    """Top entries of the Fisher diagonal."""

    def __init__(self, context: Context, *, sparsity: float, mask_every: int, fisher_samples: int) -> None:
        super().__init__(context, sparsity=sparsity, mask_every=mask_every)
        self.fisher_samples = fisher_samples
        self._samples: Samples | None = None

    def start_epoch(self, epoch: int, epochs: int, samples: Samples | None) -> None:
        """See `Ssam.start_epoch`. ValueError without samples, or if they aren't of a classification.

        The Fisher information is measured on them.
        """
        if samples is None:
            raise ValueError(
                f"scope ssam_f needs {self.fisher_samples} training samples: call start_epoch(epoch, epochs, samples)"
            )
        if not callable(samples):
            _check_classes(samples[1])
        super().start_epoch(epoch, epochs, samples)
        self._samples = samples

    def evaluates(self) -> bool:
        """See `Scope.evaluates`."""
        return True

    def renew(self) -> None:
        """See `Ssam.renew`. ValueError if there are fewer samples than `fisher_samples`, or no classes."""
        assert self._samples is not None, "renewal is due only after start_epoch"
        inputs, targets = draw(self._samples)
        _check_classes(targets)
        if len(inputs) < self.fisher_samples:
            raise ValueError(f"fisher_samples = {self.fisher_samples}, and start_epoch was given {len(inputs)} samples")
        information = self._information(inputs[: self.fisher_samples], targets[: self.fisher_samples])
        live = int(self.total * (1 - self.sparsity))
        self.set_live(torch.cat([f.flatten().cpu() for f in information]).topk(live).indices)

    def _information(self, inputs: Tensor, targets: Tensor) -> list[Tensor]:
        model, tensors = self.context.model, list(self.tensors.values())
        total = [torch.zeros_like(tensor) for tensor in tensors]
        with _evaluating(model), torch.enable_grad():
            for sample, target in zip(torch.split(inputs, 1), torch.split(targets, 1), strict=True):
                loss = functional.cross_entropy(model(sample), target)
                gradients = torch.autograd.grad(loss, tensors, allow_unused=True, materialize_grads=True)
                torch._foreach_addcmul_(total, gradients, gradients)
        return total


def _check_classes(targets: Tensor) -> None:
    """ValueError for targets of which there is no cross-entropy: neither classes nor probabilities of classes."""
    if not targets.is_floating_point():
        return
    if targets.dim() < 2 or targets.shape[1] < 2 or bool((targets.sum(1) - 1).abs().max() > _OFF):
        raise ValueError(
            "scope ssam_f measures the Fisher information of the cross-entropy, and the targets are "
            f"{str(targets.dtype).removeprefix('torch.')} of shape {tuple(targets.shape)}, neither classes nor their "
            "probabilities; for another loss use scope random, ssam_d or all"
        )


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    # Module by module: a user may keep some layers in eval mode while the rest trains.
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
