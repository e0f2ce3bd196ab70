"""The two passes of one micro-batch: ascent gradient, ε, and the descent gradient at w + ε."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from bench.sam.base.base_step import BaseStep
from bench.sam.base.gradients import marks
from bench.sam.context import Context
from bench.sam.displacement import displaced, in_full_precision, share_moved
from bench.sam.passes.ascent import GradientsOf, ascent_gradients
from bench.sam.passes.batches import Batch, TensorBatch
from bench.sam.passes.noise import Noise
from bench.sam.passes.precision import AscentPrecision
from bench.sam.passes.prefix import SharedPrefix
from bench.sam.passes.running_stats import tracking_layers, unchanged
from bench.sam.reduction import Reduction, add_share
from bench.sam.report import FORWARD, Ascent, Pass
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
        self._device = context.device
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
        self._gradients = GradientsOf(self._wanted.values(), (*trainable.values(), *self._context.outside))
        self._full_gradient: dict[str, Tensor] = {}

    def scope_changed(self) -> None:
        """The scope has other tensors than before, so that the passes may share another prefix."""
        if self._prefix is not None:
            self._prefix.forget()

    def run(self, batch: Batch, *, rho: float, last: bool) -> Pass:
        """Both passes; adds the batch's share of the descent gradient to `.grad`."""
        noise = Noise.now(self._device)
        result, gradients = self._ascend(batch)
        if self._variant.full_gradient:
            add_share(self._full_gradient, gradients, batch.share)
        tensors = {name: self._chosen[name] for name in self._chosen if name in gradients}
        perturbation, ascent = self._perturbation(tensors, gradients, rho)
        del gradients
        without = [tensor for name, tensor in self._chosen.items() if name not in tensors]
        before = marks(without)
        weights: list[Tensor] = list(tensors.values())
        with displaced(weights, perturbation) as originals:
            ascent.moved = share_moved(weights, originals)
            # Such a variant waits for the device: how many samples pass 2 has depends on it.
            selects = self._variant.selects_samples and bool(ascent.good)
            second = self._selected(batch, noise) if selects else batch
            noise.repeat()
            result.perturbed_loss = self._descend(second, batch.share, last=last)
            result.passes += _share_of(second, batch) + (FORWARD if selects else 0)
        if marks(without) != before:
            raise RuntimeError(_HALF_PERTURBED)
        result.ascent = ascent
        return result

    def full_gradient(self) -> dict[str, Tensor]:
        """Gradient at w of every trainable tensor over the whole batch, if the variant wants it."""
        gradients, self._full_gradient = self._full_gradient, {}
        self._reduction.average(gradients.values())
        return gradients

    def _ascend(self, batch: Batch) -> tuple[Pass, dict[str, Tensor]]:
        part = self._ascent_batch(batch)
        with self._first_pass():
            loss = part.loss()
            gradients = ascent_gradients(self._base.scaled(loss), self._wanted)
        result = Pass(loss=loss.detach(), share=batch.share, passes=_share_of(part, batch))
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

    @torch.no_grad()
    def _perturbation(
        self, tensors: dict[str, nn.Parameter], gradients: dict[str, Tensor], rho: float
    ) -> tuple[list[Tensor], Ascent]:
        """ε per tensor; zero where the gradient norm is zero or not finite."""
        if not tensors:
            nothing = torch.zeros((), device=self._device)
            return [], Ascent(norm=nothing, good=nothing.bool(), perturbation_norm=nothing)
        names, weights = list(tensors), in_full_precision([tensor.detach() for tensor in tensors.values()])
        chosen = self._scope.restrict_gradient(names, in_full_precision([gradients[name] for name in names]))
        direction, norm = self._variant.direction(names, weights, chosen)
        good = norm.isfinite().logical_and(norm > 0)
        floor = self._variant.floor if self._scope.floor is None else self._scope.floor
        # In double precision, as the host would compute it.
        size = self._variant.step_size(rho, norm.double(), floor)
        perturbation = [_where(good, epsilon) for epsilon in _times(direction, size)]
        perturbation = self._scope.restrict_perturbation(names, perturbation)
        return perturbation, Ascent(norm=norm, good=good, perturbation_norm=joint_norm(perturbation))

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


_HALF_PERTURBED = (
    "a tensor of the scope has a gradient in pass 2 and had none in pass 1, so that it wasn't perturbed: re-entrant "
    "gradient checkpointing, or an autograd function that goes backward itself, hides it from pass 1; use "
    "torch.utils.checkpoint.checkpoint(…, use_reentrant=False)"
)


def _share_of(part: Batch, whole: Batch) -> float:
    """Of the samples of `whole` those in `part`."""
    if part is whole:
        return 1.0
    assert isinstance(part, TensorBatch), "a closure can't be cut"
    assert isinstance(whole, TensorBatch), "a closure can't be cut"
    return len(part) / len(whole)


def _times(direction: list[Tensor], size: Tensor | float) -> list[Tensor]:
    if not isinstance(size, Tensor):
        return list(torch._foreach_mul(direction, size))
    if len({tensor.dtype for tensor in direction}) == 1:
        return list(torch._foreach_mul(direction, size.to(direction[0].dtype)))
    return [tensor * size.to(tensor.dtype) for tensor in direction]


def _where(good: Tensor, epsilon: Tensor) -> Tensor:
    """ε, or zero. Not as a product, since zero times NaN isn't zero."""
    if not epsilon.is_sparse:
        return torch.where(good, epsilon, 0)
    whole = epsilon.coalesce()
    values = torch.where(good, whole.values(), 0)
    return torch.sparse_coo_tensor(whole.indices(), values, whole.shape, is_coalesced=True, check_invariants=False)
