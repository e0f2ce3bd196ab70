"""The base optimizer alone, with the interface of `SharpnessAware`: one pass per micro-batch and no ε."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from bench.sam.base.base_step import BaseStep
from bench.sam.base.gradients import drop
from bench.sam.passes.batches import Batch, Loss, TensorBatch
from bench.sam.passes.running_stats import MeanOverMicroBatches, Tracking, tracking_layers
from bench.sam.passes.samples import Samples
from bench.sam.reduction import Reduction
from bench.sam.report import Counts, Pass, Report, Tally


class Plain:
    """Steps of the base optimizer, batch norm and micro-batches as in sharpness-aware ones."""

    last: Report | None

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        *,
        m: int | None = None,
        amp_dtype: torch.dtype | None = None,
        scaler: GradScaler | None = None,
        max_grad_norm: float | None = None,
    ) -> None:
        """Arguments as in `SharpnessAware`."""
        self.model, self.optimizer = model, optimizer
        self.enabled, self.last, self._tally = True, None, Tally()
        self._m, self._amp_dtype = m, amp_dtype
        device = optimizer.param_groups[0]["params"][0].device
        self._base = BaseStep([optimizer], scaler, max_grad_norm, device)
        self._layers = tracking_layers(model)
        self._reduction = Reduction(model)

    @property
    def counts(self) -> Counts:
        """See `SharpnessAware.counts`."""
        return self._tally.read()

    def step_batch(self, inputs: Tensor, targets: Tensor, loss_fn: Loss) -> Tensor:
        """See `SharpnessAware.step_batch`."""
        batch = TensorBatch(
            model=self.model,
            inputs=inputs,
            targets=targets,
            loss_fn=loss_fn,
            amp_dtype=self._amp_dtype,
            keeps_outputs=False,
        )
        drop(parameter for group in self.optimizer.param_groups for parameter in group["params"])
        passes = plain_passes(batch.split(self._m), self._base, self._reduction, self._layers)
        gradient_norms, updated = self._base.make(None)
        self.last = Report.of(passes, gradient_norms)
        self._tally.add(passes, updated, clamped=False)
        return self.last.loss

    def start_epoch(self, epoch: int, epochs: int, samples: Samples | None = None, *, steps: int | None = None) -> None:
        """Nothing depends on the epoch."""

    def state_dict(self) -> dict[str, Any]:
        """See `SharpnessAware.state_dict`."""
        return {"counts": asdict(self.counts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `SharpnessAware.load_state_dict`."""
        self._tally = Tally(Counts.of(state["counts"]))


def plain_passes(
    batches: Sequence[Batch], base: BaseStep, reduction: Reduction, layers: Sequence[Tracking]
) -> list[Pass]:
    """One pass per micro-batch; the mean gradient over samples is left in `.grad`, the mean statistics in `layers`."""
    statistics, passes = MeanOverMicroBatches(layers, len(batches)), []
    for place, batch in enumerate(batches):
        with statistics.micro_batch(place), reduction.shared(last=place == len(batches) - 1):
            loss = batch.loss()
            base.backward(loss, batch.share)
        passes.append(Pass(loss=loss.detach(), share=batch.share))
    return passes
