"""The light records that registries hold: names can be checked and listed without importing torch.

A registry is a literal dictionary from a name to a record, and each registry has a type of record, below. Adding a
variant, scope, model, data set, measure, optimizer or launcher is one file with the object and one such line;
`bench.plugins` finds those of users, which have no line.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Scalar = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A number or word that only some entries have, such as η of a variant or the sparsity of a scope."""

    type: Any
    """Annotated type that a value must satisfy, as pydantic reads it: `Annotated[float, Ge(0)]`."""
    default: Scalar | None
    """Value of a trial that doesn't name it; recorded in the trial and part of its identity. None: a library's own."""
    summary: str
    """What it is, in one line."""
    later: bool = False
    """Whether it came after `bench.trial.SCHEMA`: a trial at its default doesn't name it, and so keeps its id."""
    required: bool = False
    """Whether every trial has to name it, and the default stands for nothing."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a registry: where the object is and what it is, not the object."""

    target: str
    """`package.module:attribute` of the object."""
    summary: str
    """What it is, in one line, for listings."""
    source: str = ""
    """Where it comes from: paper, section or equation."""
    settings: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}))
    """Settings that it understands beyond the fields that every trial has."""

    def load(self) -> Any:
        """Import and return the object."""
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(module), attribute)


@dataclass(frozen=True, kw_only=True)
class VariantEntry(Entry):
    """How ε is made of the gradient."""

    passes: float | Callable[[Mapping[str, Any]], float] | None = 2.0
    """Forward and backward passes over the batch that a step takes on average, or how they follow from the settings.

    A forward pass alone is a third. None: it shows only as it trains.
    """
    base: Literal["any", "momentum", "bare"] = "any"
    """Base optimizers that it works on: any, those with a momentum, or SGD without momentum and weight decay."""
    unsure: str = ""
    """What of it was read second hand or guessed; plans and boards say so."""


@dataclass(frozen=True, kw_only=True)
class ScopeEntry(Entry):
    """What ε touches."""

    stages: bool = False
    """Whether it can be limited to stages of a network, as in `only_norm[2,3]`."""
    samples: str | None = None
    """The setting that says how many training samples it estimates its mask on."""


@dataclass(frozen=True, kw_only=True)
class OptimizerEntry(Entry):
    """A base optimizer."""

    own_settings: bool = False
    """Whether its settings are its own alone, so that a recipe which is made for another optimizer gives it none."""
    requires: str = ""
    """Package that it needs and that sambench brings only as the extra of that name."""
    momentum: str = ""
    """Setting that weighs the past in its momentum, for variants that look along it; empty: it keeps none."""
    descends: bool = False
    """Whether it is w ← w − lr·g without momentum and weight decay."""


@dataclass(frozen=True, kw_only=True)
class TaskEntry(Entry):
    """A kind of problem: what data sets pose and models solve, and what they are judged by."""

    quality: str
    """What a model is judged by: `val_QUALITY` and `test_QUALITY` are columns of the history."""
    unit: str
    """Of that, empty where it is a score."""
    measure: str
    """What a board shows where a sweep names nothing."""
    validation: str
    """The measure that ρ is chosen by where there is a validation split."""
    curve: str
    """Column of the history that shows how a training goes: every epoch has it."""
    curve_label: str
    """The same for people."""
    counted: str
    """What an epoch's progress is counted in."""
    divides_batch: bool
    """Whether m is in the unit of the batch size, which it then divides."""
    without: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Fields of a trial that mean nothing here and stay at their default, each with the reason."""


CLASSIFICATION = "classification"
"""The task of what names none."""

Interpolation = Literal["bilinear", "bicubic"]


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How images are prepared for a model: what it is trained and tested on."""

    mean: tuple[float, ...]
    """Per channel, of images in [0, 1]."""
    std: tuple[float, ...]
    crop: float = 0.875
    """Side of the central square that is tested on, of the shorter side of the image that it is cut from."""
    interpolation: Interpolation = "bilinear"
    """How that image is brought to its size."""


@dataclass(frozen=True, kw_only=True)
class PretrainedEntry:
    """Weights of timm."""

    model: str
    """The network of ours that they fit."""
    preprocessing: Preprocessing
    zero_init: bool
    """Whether timm's own network starts the last γ of its residual branches at 0."""


@dataclass(frozen=True, kw_only=True)
class ModelEntry(Entry):
    """A network."""

    task: str = CLASSIFICATION
    """Name in TASKS."""
    family: Literal["resnet", "vit", "transformer", ""]
    """Column of the paper's ρ table that applies: `resnet` for convolutional nets, `vit` for patches, or none."""
    stages: int
    """Number of the last stage in `segments()`; 0 without a chain."""
    min_size: int = 1
    """Smallest side in pixels of the images that it can be trained on."""
    multiple_of: int = 1
    """The side must be a multiple of it: the patch size of a transformer."""
    image_size: int | None = None
    """Side that it was made for; None: it isn't known before it is built."""
    preprocessing: Preprocessing | None = None
    """Its own, for `preprocessing: model`."""
    parameters: int | None = None
    """Their number: for 10 classes at 32×32 pixels, 1,000 where it was made for 224×224, or the words of IWSLT'14."""


@dataclass(frozen=True, kw_only=True)
class DatasetEntry(Entry):
    """Samples in splits."""

    task: str
    """Name in TASKS."""
    fake: bool = False
    """Whether its samples are random, so that nothing can be learned from them."""
    validated: bool = False
    """Whether it has a validation split of its own."""
    files: str | None = None
    """`package.module:attribute` of the object that knows its files."""
    arguments: tuple[Any, ...] = ()
    """What its loader is called with."""

    @property
    def shape(self) -> str:
        """What its samples look like, for listings."""
        return ""


@dataclass(frozen=True, kw_only=True)
class ImagesEntry(DatasetEntry):
    """Images and their labels."""

    task: str = CLASSIFICATION
    num_classes: int
    in_channels: int
    image_size: int
    """Side in pixels."""
    flip: bool
    """Whether a mirrored image keeps its label."""
    any_size: bool = False
    """Whether it comes in other sizes too."""
    train_images: int | None = None
    """Size of the training split; None where its files must be asked."""

    @property
    def shape(self) -> str:
        """See `DatasetEntry.shape`."""
        return f"{self.in_channels}×{self.image_size}×{self.image_size}, {self.num_classes:,} classes"


@dataclass(frozen=True, kw_only=True)
class TestSetEntry(Entry):
    """Images that models of another data set are tested on."""

    trained_on: str
    """That data set."""
    files: str
    """`package.module:attribute` of the object that knows its files."""


@dataclass(frozen=True, kw_only=True)
class AugmentationEntry(Entry):
    """How training images are varied."""

    same_size: bool = False
    """Whether it needs images of one size."""
    resizes: bool = False
    """Whether it wants to know the size that it gives."""


@dataclass(frozen=True, kw_only=True)
class MeasureEntry(Entry):
    """A quantity taken of a trained model."""

    task: str | None = CLASSIFICATION
    """The task whose models have it; None: all have."""
    needs_validation: bool = False
    """Whether it is of the validation split."""
    fewest_classes: int = 0
    """Classes that a data set must have."""
    trained_on: str | None = None
    """The data set whose models have it; None: all have."""
    test_set: str | None = None
    """The set of images that it is of."""
    later: bool = False
    """Whether it isn't taken at the end of a training, which it would make longer: `sambench measure` takes it."""
    light: bool = False
    """Whether a later one takes no longer than reading the weights, so that a smoke test takes it too."""
    of_outputs: bool = False
    """Whether it is called with what the model says of the test images, and needs no model where that is kept."""
    lower_is_better: bool = False
    unit: str = "%"
    digits: int | None = None
    """Decimals that tell its values apart; None: as many as accuracies have."""


@dataclass(frozen=True, kw_only=True)
class LauncherEntry(Entry):
    """How trials get onto processors."""

    queues: bool = False
    """Whether it returns when the trials are in a queue, and nothing waits for them."""
    prunes: bool = False
    """Whether it stops trials early where the sweep says so."""
