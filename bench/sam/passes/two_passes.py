"""The two passes of one micro-batch: ascent gradient, ε, and the descent gradient at w + ε."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.sam.base.base_step import BaseStep
from bench.sam.base.gradients import marks
from bench.sam.context import Context
from bench.sam.displacement import displaced, in_full_precision, share_moved
from bench.sam.passes.ascent import GradientsOf, ascent_gradients
from bench.sam.passes.batches import Batch, TensorBatch, share_of
from bench.sam.passes.noise import Noise
from bench.sam.passes.perturbation import no_perturbation, perturbation_of
from bench.sam.passes.precision import AscentPrecision
from bench.sam.passes.prefix import SharedPrefix
from bench.sam.passes.running_stats import tracking_layers, unchanged
from bench.sam.reduction import Reduction, add_share
from bench.sam.report import FORWARD, Ascent, Pass
from bench.sam.scopes.scope import Scope
from bench.sam.variants.variant import Variant


@dataclass(kw_only=True)
class FirstPass:
    """A micro-batch after pass 1."""

    whole: Batch
    batch: Batch
    """What of it pass 2 runs on too."""
    result: Pass
    gradients: dict[str, Tensor]
    """At w, by name."""
    noise: Noise
    """What pass 1 drew from."""


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
        self._device = context.device
        self._precision = AscentPrecision(self._device, ascent_dtype)
        self._layers = tracking_layers(context.model)
        # Where there is one pass only, it is the first.
        self._first_stats_only = first_stats_only and variant.ascends
        # Pass 2 must see what pass 1 saw, and pass 1 need no gradient before the first perturbed tensor.
        alike = variant.ascends and ascent_share == 1 and not (variant.selects_samples or variant.full_gradient)
        self._prefix = (
            SharedPrefix(context.model, self._precision, twice=not first_stats_only) if alike and shareable else None
        )

    def begin(self, count: int) -> None:
        """Choose the tensors that this step perturbs, in so many micro-batches."""
        self._first_place = self._reduction.rank * count
        self._chosen = self._variant.choose(self._scope.tensors)
        trainable = self._context.trainable
        self._wanted = trainable if self._variant.full_gradient else self._chosen
        self._gradients = GradientsOf(self._wanted.values(), (*trainable.values(), *self._context.outside))
        self._averaged: dict[str, Tensor] = {}
        self._complete = False

    def scope_changed(self) -> None:
        """The scope has other tensors than before, so that the passes may share another prefix."""
        if self._prefix is not None:
            self._prefix.forget()

    def run(self, batch: Batch, place: int, *, rho: float, last: bool) -> Pass:
        """Both passes; adds the batch's share of the descent gradient to `.grad`."""
        if not self._variant.ascends:
            return self._recalled(batch, rho=rho, last=last)
        return self.second(self.first(batch, place), rho=rho, last=last)

    def first(self, batch: Batch, place: int) -> FirstPass:
        """Pass 1 of the micro-batch at `place`."""
        whole, loss = batch, None
        if self._variant.selects_first:
            batch, loss = self._selected_first(batch)
        noise = Noise.now(self._device)
        with self._offset(place):
            result, gradients = self._ascend(batch)
        self._add_up(gradients, batch.share)
        if loss is not None:
            result.loss, result.passes = loss, FORWARD + result.passes * share_of(batch, whole)
        return FirstPass(whole=whole, batch=batch, result=result, gradients=gradients, noise=noise)

    def second(self, first: FirstPass, *, rho: float, last: bool) -> Pass:
        """Pass 2, at w + ε."""
        batch, gradients, result = first.batch, first.gradients, first.result
        tensors = {name: self._chosen[name] for name in self._chosen if name in gradients}
        perturbation, ascent = self._perturbation(tensors, gradients, rho)
        # They are as large as the weights, and pass 2 has no use for them.
        del gradients
        first.gradients = {}
        without = [tensor for name, tensor in self._chosen.items() if name not in tensors]
        before = marks(without)
        weights: list[Tensor] = list(tensors.values())
        with displaced(weights, perturbation) as originals:
            ascent.moved = share_moved(weights, originals)
            # Such a variant waits for the device: how many samples pass 2 has depends on it.
            selects = self._variant.selects_samples and bool(ascent.good)
            batch = self._selected(batch, first.noise) if selects else batch
            first.noise.repeat()
            result.perturbed_loss = self._descend(batch, first.batch.share, last=last)
            result.passes += share_of(batch, first.whole) + (FORWARD if selects else 0)
        if marks(without) != before:
            raise RuntimeError(_HALF_PERTURBED)
        result.ascent = ascent
        return result

    def gradient_at_w(self) -> dict[str, Tensor]:
        """The gradient at w over the whole batch, of the tensors that the variant wants it of."""
        if not self._complete:
            self._reduction.average(self._averaged.values())
            self._complete = True
        return self._averaged if self._variant.full_gradient else self._variant.in_scope(self._averaged)

    def descend_along_g(self) -> None:
        """Leave the gradient at w in `.grad`, as the pass of the base optimizer would."""
        for name, gradient in self._base.rescaled(self.gradient_at_w()).items():
            parameter = self._context.trainable[name]
            parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)

    def _perturbation(
        self, tensors: dict[str, nn.Parameter], gradients: dict[str, Tensor], rho: float
    ) -> tuple[list[Tensor], Ascent]:
        if not tensors:
            return [], no_perturbation(self._device)
        return perturbation_of(self._variant, self._scope, tensors, gradients, rho)

    def _add_up(self, gradients: dict[str, Tensor], share: float) -> None:
        if self._variant.full_gradient:
            add_share(self._averaged, self._variant.summand(gradients), share)
        elif self._variant.scope_gradient:
            exact = in_full_precision(list(gradients.values()))
            add_share(self._averaged, self._variant.summand(dict(zip(gradients, exact, strict=True))), share)

    def _recalled(self, batch: Batch, *, rho: float, last: bool) -> Pass:
        """The one pass of a variant that remembers where to look."""
        found = self._variant.recall(self._chosen)
        tensors = {name: self._chosen[name] for name in found}
        weights: list[Tensor] = list(tensors.values())
        perturbation, ascent = self._perturbation(tensors, found, rho)
        ascent.norm = None
        with displaced(weights, perturbation) as originals:
            ascent.moved = share_moved(weights, originals)
            loss = self._descend(batch, batch.share, last=last)
        return Pass(loss=loss, share=batch.share, perturbed_loss=loss, ascent=ascent)

    def _selected_first(self, batch: Batch) -> tuple[Batch, Tensor]:
        """What both passes run on, and the mean loss of all samples."""
        with torch.no_grad(), unchanged(self._layers), self._reduction.local():
            loss = batch.loss()
        return self._variant.first_batch(batch), loss

    @contextmanager
    def _offset(self, place: int) -> Iterator[None]:
        if not self._variant.wanders:
            yield
            return
        weights: list[Tensor] = [tensor.detach() for tensor in self._chosen.values()]
        names = list(self._chosen)
        offset = self._scope.restrict_perturbation(
            names, self._variant.offset(names, weights, self._first_place + place)
        )
        with displaced(weights, offset):
            yield

    def _ascend(self, batch: Batch) -> tuple[Pass, dict[str, Tensor]]:
        part = self._ascent_batch(batch)
        with self._first_pass():
            loss = part.loss()
            gradients = ascent_gradients(self._base.scaled(loss), self._wanted)
        result = Pass(loss=loss.detach(), share=batch.share, passes=share_of(part, batch))
        return result, self._base.unscaled(gradients)

    def _ascent_batch(self, batch: Batch) -> Batch:
        if self._share == 1:
            return batch
        assert isinstance(batch, TensorBatch), "a closure can't be cut"
        return batch.take(slice(0, max(1, int(self._share * len(batch)))))

    @contextmanager
    def _first_pass(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(self._reduction.local())
            stack.enter_context(self._gradients.chosen())
            stack.enter_context(self._precision.lowered())
            if self._prefix is not None:
                stack.enter_context(self._prefix.first_pass(self._gradients))
            yield

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
            self._base.backward(loss, weight)
        return loss.detach()


_HALF_PERTURBED = (
    "a tensor of the scope has a gradient in pass 2 and had none in pass 1, so that it wasn't perturbed: re-entrant "
    "gradient checkpointing, or an autograd function that goes backward itself, hides it from pass 1; use "
    "torch.utils.checkpoint.checkpoint(…, use_reentrant=False)"
)
