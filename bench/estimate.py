"""Estimate: how long trials will take, by what earlier ones took, by a probe of some steps, or by a rule of thumb.

A trial is measured by others of the store with the same data set, model, kind of step, batch and precision; its
time per epoch doesn't depend on ρ, seed or learning rate.

The rule, for trials that nothing was measured of yet: GPU-seconds = epochs × images × FLOPs of a forward pass × 3 ×
step factor / (30 % of 19.5 TFLOP/s): a backward pass takes twice the forward pass, a sharpness-aware step two of both,
and an A100 reaches 30 % of its float32 peak. Small networks, which can't fill a GPU, take longer; bfloat16 and steps
that skip work take less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from bench import data
from bench.sam.cost import passes_per_step
from bench.store import Readable, connect
from bench.trial import Trial

_KIND = ("dataset", "model", "image_size", "optimizer", "variant", "scope", "batch_size", "m", "augment", "precision")
Kind = tuple[object, ...]


def kind(trial: Trial) -> Kind:
    """What a trial's time per epoch depends on."""
    return tuple(getattr(trial, name) for name in _KIND)


@dataclass(frozen=True)
class Pace:
    """Time per epoch of one kind of trial."""

    seconds: float
    gpus: int
    """GPUs that it had."""


@dataclass
class Estimate:
    """Work that is left."""

    seconds: float = 0.0
    """Of trials one after another."""
    gpu_seconds: float = 0.0
    unknown: int = 0
    """Trials of a kind that nothing is known of."""

    @property
    def text(self) -> str:
        """For people."""
        parts = []
        if self.seconds:
            parts.append(f"about {timedelta(seconds=round(self.seconds))} of work left, one trial after another")
        if self.gpu_seconds:
            parts.append(f"{self.gpu_seconds / 3600:.1f} GPU-hours")
        if self.unknown:
            parts.append(f"{self.unknown} trials are of a kind not measured yet: --probe measures a few steps of each")
        return "; ".join(parts)


def measured(stores: Readable) -> dict[Kind, Pace]:
    """Median time per epoch of every kind of trial that the stores have a finished one of."""
    columns = ", ".join(_KIND)
    sql = f"""
        SELECT {columns}, median(train_s / (epochs - coalesce(first_epoch, 0))),
               max(CASE WHEN device_type = 'cuda' THEN world_size ELSE 0 END)
        FROM results WHERE outcome = 'done' AND train_s > 0 AND epochs > coalesce(first_epoch, 0)
        GROUP BY {columns}
    """
    with connect(stores, ["results"]) as connection:
        return {tuple(of): Pace(seconds, gpus) for *of, seconds, gpus in connection.execute(sql).fetchall()}


def estimate(left: Iterable[Trial], paces: dict[Kind, Pace], probe: Callable[[Trial], Pace] | None = None) -> Estimate:
    """Time of the trials that are left; `probe` measures the kinds that aren't known, once each."""
    total, known = Estimate(), dict(paces)
    for trial in left:
        if kind(trial) not in known and probe:
            known[kind(trial)] = probe(trial)
        pace = known.get(kind(trial))
        if pace is None:
            total.unknown += 1
            continue
        total.seconds += pace.seconds * trial.total_epochs
        total.gpu_seconds += pace.seconds * trial.total_epochs * pace.gpus
    return total


HARDWARE = "one A100 at 30 % of 19.5 TFLOP/s"
RATE = 0.3 * 19.5e12
"""FLOP per second."""

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


def gpu_seconds(trial: Trial) -> float | None:
    """The rule's answer; None for a model or data set whose size isn't known here."""
    images = _images(trial.dataset)
    if images is None or trial.model not in FORWARD:
        return None
    flops, side = FORWARD[trial.model]
    size = trial.image_size or data.entry(trial.dataset).image_size
    flops *= (size / side) ** 2
    return trial.total_epochs * images * (1 - trial.val_fraction) * flops * 3 * step_factor(trial) / RATE


def step_factor(trial: Trial) -> float:
    """Forward and backward passes per step, on average; two where only a run can tell."""
    passes = passes_per_step(trial)
    return 2.0 if passes is None else passes


def _images(dataset: str) -> int | None:
    found = data.entry(dataset)
    if found.fake:
        return int(found.arguments[0].train)
    return _IMAGES.get(dataset)
