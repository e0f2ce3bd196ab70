"""The sharpness-aware step (Foret et al. 2021, algorithm 1): ascent at w, descent at w + ε, update at w.

One step on a batch that is cut into micro-batches b of m samples:

    for b in batch.split(m):
        g = ∂ mean_loss(b; w) / ∂ w[scope]              # pass 1: gradients of what is perturbed, and no others
        ε = ρ · T²g / ‖Tg‖₂                             # `variant.direction`: T = 1 is SAM; one norm over the scope
        w[scope] += ε
        w.grad += m / n · ∂ mean_loss(b; w) / ∂ w       # pass 2: the ordinary backward pass, at w + ε
        w[scope] -= ε                                   # from a copy, so that w is restored to the bit
    average w.grad over processes; variant.finish(w.grad); clip it
    optimizer.step()                                    # at w

The result is that of two plain passes over the whole network, to rounding, for every variant, scope and model:
tests/sam/test_equivalence.py holds it to a reference of a page. What makes it cheaper is exact: `prefix` computes once
what both passes share, `ascent` takes gradients of perturbed tensors only, `displacement` copies and moves nothing
else. Approximate, and off by default: `ascent_dtype` and `ascent_share`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from bench.registry import Scalar
from bench.sam.assembly import build, context_of, unwrap
from bench.sam.base.base_step import BaseStep
from bench.sam.base.gradients import clear, leave, untouched
from bench.sam.base.unperturbed import plain_passes
from bench.sam.norms import NormRule
from bench.sam.passes.batches import Batch, ClosureBatch, Loss, TensorBatch
from bench.sam.passes.every_batch import perturbed_passes
from bench.sam.passes.precision import check_precision
from bench.sam.passes.prefix import SharedPrefix
from bench.sam.passes.running_stats import moving_statistics, tracking_layers
from bench.sam.passes.samples import Samples
from bench.sam.passes.trees import Tree
from bench.sam.passes.two_passes import TwoPasses
from bench.sam.reduction import Reduction
from bench.sam.report import Counts, Pass, Report, Tally
from bench.sam.settings import check_rho, check_share, one_of
from bench.sam.variants.variant import joint_norm


class SharpnessAware:
    """Wraps a base optimizer and makes it sharpness-aware.

    `step(closure)` or `step_batch(inputs, targets, loss_fn)` takes one whole step: both passes, clipping, and the
    update of the optimizer (and scaler). Don't call `backward` or `optimizer.step` yourself.
    """

    enabled: bool
    """If false, steps are plain steps of the base optimizer, with one pass each."""
    last: Report | None
    """The last step's losses and norms."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer | Sequence[Optimizer],
        variant: str = "sam",
        scope: str | Iterable[str] = "all",
        rho: float = 0.05,
        *,
        settings: Mapping[str, Scalar] | None = None,
        bn_stats: str = "both",
        m: int | None = None,
        norm_rule: NormRule = "type",
        ascent_dtype: torch.dtype | None = None,
        ascent_share: float = 1.0,
        amp_dtype: torch.dtype | None = None,
        scaler: GradScaler | None = None,
        max_grad_norm: float | None = None,
        seed: int = 0,
    ) -> None:
        """Wrap one or several optimizers that already hold their parameters and have their highest learning rate.

        model: any module, also wrapped by DDP or torch.compile.
        variant: a key of VARIANTS. scope: a key of SCOPES, with stages as in `only_norm[2,3]`, or parameter names.
        rho: radius ρ of the perturbation. settings: those of variant and scope, by name.
        bn_stats: whether `both` passes update running statistics, or only the `first`.
        m: samples per ascent; None: the whole batch. norm_rule: a key of NORM_RULES, or another NormRule.
        ascent_dtype, ascent_share: approximate pass 1, in lower precision or on the first share of the batch.
        amp_dtype: autocast for `step_batch`; a closure uses its own. scaler: for fp16.
        max_grad_norm: clips the gradient of pass 2. seed: seeds random choices, such as masks.

        Raises ValueError for an unknown name, a value outside its range, or a scope without parameters.
        """
        self.rho = check_rho(rho)
        where = scope if isinstance(scope, str) else tuple(scope)
        self._context = context_of(model, optimizer, variant, where, norm_rule=norm_rule, seed=seed)
        self._context.max_grad_norm = max_grad_norm
        self._variant, self._scope = build(self._context, variant, where, settings or {})
        self._variant.radius(rho)  # a variant may refuse a ρ that its own settings contradict
        self._method = f"{variant} on {where}"
        check_share(ascent_share, ascent_dtype, amp_dtype, self._variant, variant)
        check_precision(self._context, self._scope, rho, ascent_dtype or amp_dtype, scaler)
        if m is not None and m < 1:
            raise ValueError(f"m = {m}: samples per ascent are at least 1; use None for the whole batch")
        self.model, self.optimizer = model, optimizer
        self.enabled, self.last, self._tally = True, None, Tally()
        self._m, self._ascent_share, self._amp_dtype = m, ascent_share, amp_dtype
        self._base = BaseStep(self._context.optimizers, scaler, max_grad_norm, self._context.device)
        self._layers = tracking_layers(model)
        self._reduction = Reduction(model)
        bare, compiled = unwrap(model)
        self._passes = TwoPasses(
            self._context,
            self._variant,
            self._scope,
            self._base,
            self._reduction,
            shareable=not compiled and SharedPrefix.applies_to(bare),
            first_stats_only=one_of("bn_stats", bn_stats, ("both", "first")) == "first",
            ascent_dtype=ascent_dtype,
            ascent_share=ascent_share,
        )

    @property
    def counts(self) -> Counts:
        """Steps so far, and how many had a zero or non-finite gradient norm. Waits for the device."""
        return self._tally.read()

    def step(self, closure: Callable[[], Any], *, accumulate: bool = False) -> Tensor:
        """Take one step; `closure` runs the forward pass on the batch and returns the mean loss with its graph.

        It may also return an output that has a `loss`, or a tuple that starts with it. Returns the loss at w, detached.
        `accumulate`: add to the gradients already in `.grad`. ValueError for what needs `step_batch`: m,
        `ascent_share`, and variants that select samples.
        """
        selects = self._variant.selects_samples or self._variant.selects_first
        if self._m is not None or self._ascent_share != 1 or selects:
            raise ValueError(
                f"{self._method}: m, ascent_share and variants that select samples cut the batch, which a "
                "closure hides; call step_batch(inputs, targets, loss_fn)"
            )
        parameters = list(self._context.held.values())
        return self._step([ClosureBatch(closure=closure, parameters=parameters)], accumulate=accumulate)

    def step_batch(self, inputs: Tree, targets: Tree, loss_fn: Loss, *, accumulate: bool = False) -> Tensor:
        """Take one step on (n, …) `inputs` and `targets`; `loss_fn(outputs, targets)` is a mean over samples.

        A tuple or mapping of inputs holds the model's arguments; outputs and targets may be nested. Works for every
        variant and setting. Returns the loss at w, detached. If m doesn't divide n, micro-batches are smaller than m
        and as equal as possible.
        """
        batch = TensorBatch(
            model=self.model, inputs=inputs, targets=targets, loss_fn=loss_fn, amp_dtype=self._amp_dtype
        )
        return self._step(batch.split(self._m), accumulate=accumulate)

    def start_epoch(self, epoch: int, epochs: int, samples: Samples | None = None, *, steps: int | None = None) -> None:
        """Call before the first step of epoch `epoch` (0-based) of `epochs`, and again after a resume within it.

        samples: (inputs, targets) of training samples, or a callable that returns them, for scopes that need some
        (their record's `samples` names the setting that says how many). steps: per epoch, for variants that depend
        on the progress of the run.
        """
        self._context.clock.start_epoch(epoch, epochs, steps)
        self._scope.start_epoch(epoch, epochs, samples)

    def state_dict(self) -> dict[str, Any]:
        """Everything that later steps depend on, except the model, optimizer and scaler."""
        return {
            "method": self._method,
            "counts": asdict(self.counts),
            "variant": self._variant.state_dict(),
            "scope": self._scope.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`. ValueError if it belongs to another variant or scope."""
        if state["method"] != self._method:
            raise ValueError(f"this is {self._method}, and the state is of {state['method']}")
        self._tally = Tally(Counts.of(state["counts"]))
        self._variant.load_state_dict(state["variant"])
        self._scope.load_state_dict(state["scope"])

    def _step(self, batches: Sequence[Batch], *, accumulate: bool) -> Tensor:
        if self._context.refresh():
            self._scope.refresh()
            self._passes.scope_changed()
        self._context.clock.step = self._tally.steps
        held = list(self._context.held.values())
        clear(held, accumulate=accumulate)
        try:
            self.last = self._run(batches)
        finally:
            # After an error too: what is half accumulated is nobody's.
            leave(held)
        return self.last.loss

    def _run(self, batches: Sequence[Batch]) -> Report:
        perturbs = self.enabled and self._variant.perturbs()
        with untouched(self._context.outside):
            passes = self._perturbed(batches) if perturbs else self._plain(batches)
            finish = partial(self._finish, perturbs) if self.enabled and self._variant.finishes else None
            gradient_norms, updated = self._base.make(finish)
        if self.enabled:
            self._variant.after_update(torch.as_tensor(updated))
        self._tally.add(passes, updated, clamped=perturbs and self._variant.out_of_range)
        if self.enabled and self._scope.follows() and bool(updated):
            self._after_step()
        return Report.of(passes, gradient_norms)

    def _plain(self, batches: Sequence[Batch]) -> list[Pass]:
        return plain_passes(batches, self._base, self._reduction, self._layers)

    def _perturbed(self, batches: Sequence[Batch]) -> list[Pass]:
        return perturbed_passes(self._passes, self._variant, batches, self._layers, self._variant.radius(self.rho))

    def _after_step(self) -> None:
        if self._scope.evaluates():
            # Each process has the statistics of its own micro-batches, and all must come to the same mask.
            self._reduction.average(tensor for layer in self._layers for tensor in moving_statistics(layer))
        self._scope.after_step()

    def _finish(self, perturbs: bool, finite: Tensor) -> None:
        gradients = self._passes.gradient_at_w() if perturbs else {}
        if gradients:
            finite = finite.logical_and(joint_norm(gradients.values()).isfinite())
        self._variant.finish(gradients, finite)
