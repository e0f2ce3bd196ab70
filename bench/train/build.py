"""Build what a trial trains, from its fields: data, model, optimizer and step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler
from torch.nn.parallel import DistributedDataParallel

from bench import data, distributed, models
from bench.data import AUGMENTATIONS
from bench.data.cifar import PIXELS
from bench.data.split import Augmentation
from bench.data.splits import Splits, hold_out, with_label_noise
from bench.models.preprocessing import preprocessing_of
from bench.optimizers import OPTIMIZERS
from bench.registry import Entry
from bench.sam import SCOPES, VARIANTS, SharpnessAware, parse_scope
from bench.sam.base.unperturbed import Plain
from bench.seeds import derive
from bench.train.norm_dropout import add_norm_dropout
from bench.train.subsets import parameter_groups, set_trainable
from bench.trial import Trial

DTYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""Precision of a trial → type that autocast lowers to."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of a training run, on its device."""

    splits: Splits
    model: nn.Module
    optimizer: torch.optim.Optimizer
    method: SharpnessAware | Plain
    scaler: GradScaler | None


def build(trial: Trial, device: torch.device) -> Parts:
    """Everything that the trial's fields describe, with fresh or pretrained weights."""
    set_tf32(device, allowed=trial.tf32)
    splits = build_splits(trial)
    model = build_model(trial).to(device)
    if trial.channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = build_optimizer(trial, model)
    scaler = GradScaler(device.type) if trial.precision == "float16" else None
    method = _method(trial, _parallel(model), optimizer, scaler)
    if trial.compile:
        _compile(model)
    return Parts(splits=splits.to(device), model=model, optimizer=optimizer, method=method, scaler=scaler)


def set_tf32(device: torch.device, *, allowed: bool) -> None:
    """Whether this process may multiply float32 matrices in TF32, where there is a GPU."""
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed


def build_splits(trial: Trial) -> Splits:
    """The trial's data, with what it holds out and the labels that it redraws."""
    splits = hold_out(data.load(trial.dataset, trial.image_size), trial.val_fraction, trial.seed)
    if trial.preprocessing == "model":
        splits = splits.prepared(preprocessing_of(trial.model, trial.init_from))
    elif trial.preprocessing == "cifar10_pixels":
        splits = splits.prepared(PIXELS)
    classes = data.entry(trial.dataset).num_classes
    noisy = with_label_noise(splits.train, trial.label_noise, num_classes=classes, seed=trial.seed)
    return replace(splits, train=noisy)


def build_model(trial: Trial) -> nn.Module:
    """The trial's model on the CPU; a seed gives the same weights whatever the method."""
    torch.manual_seed(derive(trial.seed, "init"))
    model = build_network(trial)
    if trial.init_from:
        # Not at the top: timm takes as long to import as a small trial's first epochs.
        from bench.models.pretrained import load_pretrained

        load_pretrained(model, trial.init_from.partition("@sha256:")[0])
    add_norm_dropout(model, trial.norm_dropout, trial.norm_dropout_on, trial.norm_rule)
    set_trainable(model, trial.trainable, trial.norm_rule)
    return model


def build_network(trial: Trial) -> nn.Module:
    """The trial's network on the CPU, with weights of no meaning."""
    found = data.entry(trial.dataset)
    return models.build(
        trial.model,
        num_classes=found.num_classes,
        in_channels=found.in_channels,
        image_size=image_size(trial),
        settings=_settings_of(models.entry(trial.model), trial),
    )


def build_optimizer(trial: Trial, model: nn.Module) -> torch.optim.Optimizer:
    """The base optimizer over the trainable parameters."""
    entry = OPTIMIZERS[trial.optimizer]
    groups = parameter_groups(model, trial.weight_decay, trial.weight_decay_on, trial.norm_rule)
    optimizer: torch.optim.Optimizer = entry.load()(groups, lr=trial.lr, **_settings_of(entry, trial))
    return optimizer


def build_augmentation(trial: Trial, epoch: int) -> Augmentation | None:
    """How the images of an epoch are augmented."""
    if trial.augment == "none":
        return None
    entry, flip = AUGMENTATIONS[trial.augment], data.entry(trial.dataset).flip
    augment = partial(entry.load(), **_settings_of(entry, trial))
    if entry.resizes:
        augment = partial(augment, size=image_size(trial))
    return Augmentation(augment=augment, flip=flip, seed=derive(trial.seed, "augment", epoch))


def image_size(trial: Trial) -> int:
    """Side in pixels of the images that the model sees."""
    return trial.image_size or data.entry(trial.dataset).image_size


def mask_samples(trial: Trial) -> int:
    """Training samples that the trial's scope estimates its mask on; 0 where it needs none."""
    if not trial.perturbs:
        return 0
    setting = SCOPES[parse_scope(trial.scope)[0]].samples
    return int(trial.setting(setting)) if setting else 0


def check_world(trial: Trial) -> None:
    """ValueError unless the processes can share a batch of the trial by whole micro-batches."""
    size, parts = distributed.world().size, trial.batch_size // (trial.m or trial.batch_size)
    if parts % size:
        raise ValueError(
            f"{size} processes can't share {parts} micro-batches evenly: batch_size = {trial.batch_size}, "
            f"m = {trial.m}; choose m = batch_size / processes or a divisor of it"
        )


def samples_per_epoch(trial: Trial, available: int) -> int:
    """Samples that an epoch trains on: all, or with `drop_last` those that fill whole batches.

    ValueError if no batch is full.
    """
    if not trial.drop_last:
        return available
    whole = available - available % trial.batch_size
    if not whole:
        raise ValueError(
            f"{available} training images fill no batch of {trial.batch_size}, and drop_last leaves out smaller ones"
        )
    return whole


def _method(
    trial: Trial, model: nn.Module, optimizer: torch.optim.Optimizer, scaler: GradScaler | None
) -> SharpnessAware | Plain:
    check_world(trial)
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
        settings=_settings_of(VARIANTS[trial.variant], trial) | _settings_of(scope, trial),
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


def _compile(model: nn.Module) -> None:
    """Compile the links of the model's chain one by one, so that both passes can still share its start."""
    parts = [part for _, part in getattr(model, "segments", list)() if isinstance(part, nn.Module)]
    for part in parts or [model]:
        part.compile()


def _settings_of(entry: Entry, trial: Trial) -> dict[str, Any]:
    """The settings that the entry understands, with the defaults of those that the trial doesn't name."""
    return {name: setting.default for name, setting in entry.settings.items()} | {
        name: value for name, value in trial.settings if name in entry.settings
    }
