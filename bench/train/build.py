"""Build what a trial trains, from its fields: data, model, optimizer and step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler
from torch.nn.parallel import DistributedDataParallel

from bench import distributed, tasks
from bench.optim.registry import OPTIMIZERS
from bench.sam import SCOPES, VARIANTS, SharpnessAware, parse_scope
from bench.sam.base.unperturbed import Plain
from bench.seeds import derive
from bench.tasks.workload import Workload, settings_of
from bench.train.compiled import CompiledParts
from bench.train.norm_dropout import add_norm_dropout
from bench.train.subsets import parameter_groups, set_trainable
from bench.trial import Trial
from bench.trial.content import without_content

DTYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""Precision of a trial → type that autocast lowers to."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of a training run, on its device."""

    workload: Workload
    model: nn.Module
    optimizer: torch.optim.Optimizer
    method: SharpnessAware | Plain
    scaler: GradScaler | None
    compiled: CompiledParts | None


def build(trial: Trial, device: torch.device) -> Parts:
    """Everything that the trial's fields describe, with fresh or pretrained weights."""
    set_tf32(device, allowed=trial.tf32)
    workload = build_workload(trial)
    workload.check_world()
    model = build_model(trial).to(device)
    if trial.channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = build_optimizer(trial, model)
    scaler = GradScaler(device.type) if trial.precision == "float16" else None
    method = _method(trial, _parallel(model), optimizer, scaler)
    return Parts(
        workload=workload.to(device),
        model=model,
        optimizer=optimizer,
        method=method,
        scaler=scaler,
        compiled=CompiledParts(model) if trial.compile else None,
    )


def set_tf32(device: torch.device, *, allowed: bool) -> None:
    """Whether this process may multiply float32 matrices in TF32, where there is a GPU."""
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed


def build_workload(trial: Trial) -> Workload:
    """The trial's data on the CPU, and what its training must know of them."""
    workload: Workload = tasks.of_trial(trial).load().of(trial)
    return workload


def build_network(trial: Trial) -> nn.Module:
    """The trial's network on the CPU, with weights of no meaning."""
    network: nn.Module = tasks.of_trial(trial).load().network(trial)
    return network


def build_model(trial: Trial) -> nn.Module:
    """The trial's model on the CPU; a seed gives the same weights whatever the method."""
    torch.manual_seed(derive(trial.seed, "init"))
    model = build_network(trial)
    if trial.init_from:
        # Not at the top: timm takes as long to import as a small trial's first epochs.
        from bench.models.pretrained.fit import load_pretrained

        load_pretrained(model, without_content(trial.init_from))
    add_norm_dropout(model, trial.norm_dropout, trial.norm_dropout_on, trial.norm_rule)
    set_trainable(model, trial.trainable, trial.norm_rule)
    return model


def build_optimizer(trial: Trial, model: nn.Module) -> torch.optim.Optimizer:
    """The base optimizer over the trainable parameters."""
    entry = OPTIMIZERS[trial.optimizer]
    groups = parameter_groups(model, trial.weight_decay, trial.weight_decay_on, trial.norm_rule)
    optimizer: torch.optim.Optimizer = entry.load()(groups, lr=trial.lr, **settings_of(entry, trial))
    return optimizer


def _method(
    trial: Trial, model: nn.Module, optimizer: torch.optim.Optimizer, scaler: GradScaler | None
) -> SharpnessAware | Plain:
    m = trial.m if trial.m != trial.batch_size else None
    amp_dtype = DTYPES[trial.precision]
    if not trial.perturbs:
        return Plain(model, optimizer, m=m, amp_dtype=amp_dtype, scaler=scaler)
    assert trial.rho is not None, "a spec resolves a variant only with a rho"
    scope = SCOPES[parse_scope(trial.scope)[0]]
    return SharpnessAware(
        model,
        optimizer,
        variant=trial.variant,
        scope=trial.scope,
        rho=trial.rho,
        settings=settings_of(VARIANTS[trial.variant], trial) | settings_of(scope, trial),
        bn_stats=trial.bn_stats,
        m=m,
        norm_rule=trial.norm_rule,
        ascent_dtype=DTYPES[trial.ascent_dtype],
        ascent_share=trial.ascent_share,
        amp_dtype=amp_dtype,
        scaler=scaler,
        seed=derive(trial.seed, "perturbation"),
    )


def _parallel(model: nn.Module) -> nn.Module:
    """The model, or where several processes train it, the wrapper that averages gradients over them."""
    if distributed.world().size == 1:
        return model
    parallel = DistributedDataParallel(model)
    # Buffers are ours to average: each process has the running statistics of its own micro-batches. As an
    # attribute, because the argument's name changes between versions of torch.
    parallel.broadcast_buffers = False
    return parallel
