"""The two passes of one micro-batch: ascent gradient, ε, and the descent gradient at w + ε."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from bench.sam.ascent import GradientsOf, ascent_gradients
from bench.sam.base_step import BaseStep
from bench.sam.batches import Batch, TensorBatch
from bench.sam.context import Context
from bench.sam.displacement import displaced
from bench.sam.noise import Noise
from bench.sam.precision import AscentPrecision
from bench.sam.prefix import SharedPrefix
from bench.sam.reduction import Reduction, add_share
from bench.sam.report import Pass
from bench.sam.running_stats import tracking_layers, unchanged
from bench.sam.scopes.scope import Scope
from bench.sam.variants.variant import Variant, joint_norm


class TwoPasses:
    """Runs pass 1 and pass 2, and leaves the gradient of pass 2 in `.grad`."""

    def __init__(
        self,
        context: Context,
        variant: Variant,
        scope: Scope,
        base: BaseStep,
        reduction: Reduction,
        *,
        shareable: bool,
        first_stats_only: bool,
        ascent_dtype: torch.dtype | None,
        ascent_share: float,
    ) -> None:
        self._context, self._variant, self._scope = context, variant, scope
        self._base, self._reduction, self._share = base, reduction, ascent_share
        self._device = next(iter(context.trainable.values())).device
        self._precision = AscentPrecision(self._device, ascent_dtype)
        self._layers = tracking_layers(context.model)
        self._first_stats_only = first_stats_only
        # Pass 2 must see what pass 1 saw, and pass 1 need no gradient before the first perturbed tensor.
        alike = ascent_share == 1 and not variant.selects_samples and not variant.full_gradient
        self._prefix = (
            SharedPrefix(context.model, self._precision, twice=not first_stats_only) if alike and shareable else None
        )

    def begin(self) -> None:
        """Choose the tensors that this step perturbs."""
        self._chosen = self._variant.choose(self._scope.tensors)
        trainable = self._context.trainable
        self._wanted = trainable if self._variant.full_gradient else self._chosen
        self._gradients = GradientsOf(self._wanted.values(), trainable.values())
        self._full_gradient: dict[str, Tensor] = {}

    def run(self, batch: Batch, *, rho: float, last: bool) -> Pass:
        """Both passes; adds the batch's share of the descent gradient to `.grad`."""
        noise = Noise.now(self._device)
        result, gradients = self._ascend(batch)
        if self._variant.full_gradient:
            add_share(self._full_gradient, gradients, batch.share)
        tensors = {name: self._chosen[name] for name in self._chosen if name in gradients}
        perturbation = self._perturbation(tensors, gradients, rho, result)
        del gradients
        with displaced(list(tensors.values()), perturbation):
            selects = self._variant.selects_samples and perturbation is not None
            second = self._selected(batch, noise) if selects else batch
            noise.repeat()
            perturbed_loss = self._descend(second, batch.share, last=last)
        if perturbation is not None:
            result.perturbed_loss = perturbed_loss
        return result

    def full_gradient(self) -> dict[str, Tensor]:
        """Gradient at w of every trainable tensor over the whole batch, if the variant wants it.

        Nothing, too, if it isn't finite: it must not be remembered, nor mixed with a gradient that is.
        """
        gradients, self._full_gradient = self._full_gradient, {}
        self._reduction.average(gradients.values())
        return gradients if math.isfinite(float(joint_norm(gradients.values()))) else {}

    def _ascend(self, batch: Batch) -> tuple[Pass, dict[str, Tensor]]:
        with self._first_pass():
            loss = self._ascent_batch(batch).loss()
            gradients = ascent_gradients(self._base.scaled(loss), self._wanted)
        return Pass(loss=loss.detach(), share=batch.share), self._base.unscaled(gradients)

    def _ascent_batch(self, batch: Batch) -> Batch:
        if self._share == 1:
            return batch
        assert isinstance(batch, TensorBatch), "a closure can't be cut"
        return batch.take(slice(0, max(1, int(self._share * len(batch.inputs)))))

    @contextmanager
    def _first_pass(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(self._reduction.local())
            stack.enter_context(self._gradients.chosen())
            stack.enter_context(self._precision.lowered())
            if self._prefix is not None:
                stack.enter_context(self._prefix.first_pass(self._gradients))
            yield

    @torch.no_grad()
    def _perturbation(
        self, tensors: dict[str, nn.Parameter], gradients: dict[str, Tensor], rho: float, result: Pass
    ) -> list[Tensor] | None:
        """ε per tensor; None where the gradient norm is zero or not finite."""
        names, weights = list(tensors), [tensor.detach() for tensor in tensors.values()]
        chosen = self._scope.restrict_gradient(names, [gradients[name] for name in names])
        direction, norm = self._variant.direction(names, weights, chosen) if names else ([], torch.zeros(()))
        result.ascent_norm = size = float(norm)
        if size == 0 or not math.isfinite(size):
            return None
        floor = self._variant.floor if self._scope.floor is None else self._scope.floor
        perturbation = list(torch._foreach_mul(direction, self._variant.step_size(rho, size, floor)))
        perturbation = self._scope.restrict_perturbation(names, perturbation)
        result.perturbation_norm = joint_norm(perturbation)
        return perturbation

    def _selected(self, batch: Batch, noise: Noise) -> Batch:
        noise.repeat()
        with unchanged(self._layers), self._reduction.local():
            return self._variant.second_batch(batch)

    def _descend(self, batch: Batch, weight: float, *, last: bool) -> Tensor:
        with ExitStack() as stack:
            stack.enter_context(self._reduction.shared(last=last))
            if self._first_stats_only:
                stack.enter_context(unchanged(self._layers))
            if self._prefix is not None:
                stack.enter_context(self._prefix.second_pass())
            loss = batch.loss()
            self._base.backward(loss * weight)
        return loss.detach()
