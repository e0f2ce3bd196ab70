"""Rule: how long a trial takes on one A100 if nothing like it was measured yet.

    seconds = max(FLOPs / rate, steps × launching calls × 8 µs)

FLOPs = epochs × images × those of a forward pass × 3 × step factor: a backward pass takes twice the forward pass. The
rate is what an A100 reaches, by precision: 77 TFLOP/s in half precision, as public ResNet-18 trainings do (32.3 PFLOP
in 7 minutes, github.com/KellerJordan/cifar10-airbench); 40 in TF32 and 13 in float32 are guesses. The second bound is
the processor's, which launches kernels one after another: 8 µs for each call is a guess, too.
"""

from __future__ import annotations

import math

from bench import data
from bench.sam.cost import passes_per_step
from bench.trial import Trial

HARDWARE = "one A100 (77 TFLOP/s in half precision, 40 in TF32, 13 in float32, 8 µs to launch a kernel)"
RATES = {"float32": 13e12, "tf32": 40e12, "float16": 77e12, "bfloat16": 77e12}
"""Precision → FLOP per second."""
LAUNCH_SECONDS = 8e-6

FORWARD = {
    "resnet8": (2.50e7, 32),
    "resnet20": (8.16e7, 32),
    "resnet56": (2.52e8, 32),
    "resnet18": (1.11e9, 32),
    "resnet101_cifar": (5.02e9, 32),
    "resnext29_32x4d": (1.55e9, 32),
    "wrn16_2": (2.02e8, 32),
    "wrn16_4": (7.85e8, 32),
    "wrn28_2": (4.29e8, 32),
    "wrn28_10": (1.05e10, 32),
    "vgg13_bn": (4.57e8, 32),
    "vgg16_bn": (6.26e8, 32),
    "vgg19_bn": (7.96e8, 32),
    "densenet100": (5.76e8, 32),
    "resnet50": (8.18e9, 224),
    "resnet101": (1.56e10, 224),
    "vit_mini": (1.11e7, 32),
    "vit_t4": (7.30e8, 32),
    "vit_s4": (2.84e9, 32),
    "vit_s16": (9.20e9, 224),
    "vit_s32": (2.29e9, 224),
}
"""Model → FLOPs of one image's forward pass, at a side in pixels; counted by torch's FlopCounterMode."""

_IMAGES = {"digits": 1079, "cifar10": 50_000, "cifar100": 50_000, "imagenet": 1_281_167}
"""Data set → training images."""

PER_TOKEN = {"transformer_iwslt": 7.0e7, "transformer_tiny": 6.5e5}
"""Model → FLOPs of the forward pass for a token of the target language: two for each parameter but those looked up."""
TOKENS = {"iwslt14_de_en": 4_000_000, "ding_de_en": 240_000}
"""Data set → tokens of the target language in training."""

LAUNCHES = {
    "resnet8": 91,
    "resnet20": 187,
    "resnet56": 475,
    "resnet18": 176,
    "wrn28_10": 231,
    "vit_mini": 91,
    "vit_t4": 391,
    "vit_s4": 391,
}
"""Model → calls that launch kernels in a step of the base optimizer, as counted; others have no second bound."""
_EPSILON = 0.17
"""What norms, ε and the way back add to the calls of a pass: SAM's step has 2.3 to 2.4 times those of a plain one."""
_BACKWARD_OF_WEIGHTS = 1 / 3
"""Of a pass: what isn't computed in pass 1 where nothing but norm layers is perturbed, so that 5/3 are left of 2."""


def gpu_seconds(trial: Trial) -> float | None:
    """The rule's answer; None for a model or data set whose size isn't known here."""
    if trial.model in PER_TOKEN:
        return _of_tokens(trial)
    whole = _images(trial.dataset)
    if whole is None or trial.model not in FORWARD:
        return None
    images = whole * (1 - trial.val_fraction)
    flops, side = FORWARD[trial.model]
    size = trial.image_size or data.images(trial.dataset).image_size
    flops *= (size / side) ** 2
    computing = images * flops * 3 * step_factor(trial) / RATES["tf32" if trial.tf32 else trial.precision]
    micro_batches = math.ceil(trial.batch_size / (trial.m or trial.batch_size))
    calls = LAUNCHES.get(trial.model, 0) * micro_batches * _passes(trial) * (1 + _EPSILON * (_passes(trial) > 1))
    launching = math.ceil(images / trial.batch_size) * calls * LAUNCH_SECONDS
    return trial.total_epochs * max(computing, launching)


def _of_tokens(trial: Trial) -> float | None:
    """The same, of text, whose kernels are too long for the second bound."""
    if trial.dataset not in TOKENS:
        return None
    flops = TOKENS[trial.dataset] * PER_TOKEN[trial.model] * 3 * step_factor(trial)
    return trial.total_epochs * flops / RATES["tf32" if trial.tf32 else trial.precision]


def step_factor(trial: Trial) -> float:
    """Work of a step relative to the base optimizer's."""
    passes = _passes(trial)
    return passes - (passes - 1) * _BACKWARD_OF_WEIGHTS if trial.scope.startswith("only_norm") else passes


def _passes(trial: Trial) -> float:
    """Forward and backward passes per step, on average; two where only a run can tell."""
    passes = passes_per_step(trial)
    return 2.0 if passes is None else passes


def _images(dataset: str) -> int | None:
    found = data.entry(dataset)
    if found.fake:
        return int(found.arguments[0].train)
    return _IMAGES.get(dataset)
