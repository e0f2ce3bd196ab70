"""Records of learning problems: tasks, data and models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from bench.registry.record import Entry


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


IMAGENET_PIXELS = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""Mean and std of ImageNet's training images, as torchvision and timm have them."""


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
