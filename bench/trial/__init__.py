"""Trial: one training run, fully resolved and frozen, and its identity.

`trial_id` is a hash of the canonical JSON of the fields that aren't at their default, and the schema version. It
never depends on paths, launchers, resources, the number of GPUs or how the trial was written down, so one trial keeps
one id in every sweep. A new field whose default means what was done before changes no id; any other change of what
fields mean is a new `SCHEMA` (`bench.trial.schemas` knows the earlier ones). `tests/trial/test_trial.py` pins ids and
defaults.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

from bench.trial.content import TIMM, dataset_identity, weights_identity

SCHEMA = 3
"""Version of the fields below, of their defaults and of their meaning; part of every trial's identity."""

NONE = "none"
"""Variant and scope of a trial that steps with the base optimizer alone."""

Scalar = str | int | float | bool
Settings = tuple[tuple[str, Scalar], ...]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Every field that determines the result of one training run."""

    dataset: str
    """Name in DATASETS, or a folder or corpus; its content is part of the identity, its path isn't."""
    label_noise: Annotated[float, Ge(0), Le(1)] = 0.0
    """Share of the training labels that are redrawn uniformly over the classes."""
    val_fraction: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Share of each class's training samples held out for validation, drawn by the seed."""
    augment: str = "none"
    """Name in AUGMENTATIONS."""
    image_size: Annotated[int, Ge(1)] | None = None
    """Side in pixels of the square images that the model sees; None: the data set's own."""
    preprocessing: Literal["dataset", "model", "cifar10_pixels"] | None = None
    """Whose mean, std, test crop and interpolation are applied; None: the model's if it or its weights are timm's.

    `cifar10_pixels`: mean and std over all pixels of CIFAR-10, as in the SSAM code.
    """
    model: str
    """Name in MODELS, or `timm/NAME`."""
    init_from: str = ""
    """Pretrained weights: a timm tag, or a file; its content is part of the identity, its path isn't."""
    optimizer: str
    """Base optimizer: name in OPTIMIZERS."""
    lr: Annotated[float, Gt(0)]
    """Peak learning rate; it falls from there by `lr_schedule`."""
    lr_schedule: Literal["cosine", "linear", "inverse_sqrt", "constant"] = "cosine"
    """How the learning rate falls over the epochs before the cool-down."""
    lr_per: Literal["epoch", "step"] = "epoch"
    """Whether the learning rate changes once per epoch or with every step."""
    min_lr: Annotated[float, Ge(0)] = 0.0
    """Learning rate at the end of the schedule and during the cool-down."""
    warmup_epochs: Annotated[int, Ge(0)] = 0
    """Epochs at the start over which the learning rate rises linearly from `warmup_lr`; a cosine already runs."""
    warmup_steps: Annotated[int, Ge(0)] = 0
    """Warm-up in steps instead of epochs; needs `lr_per: step`."""
    warmup_lr: Annotated[float, Ge(0)] = 0.0
    """Learning rate at the start of a warm-up."""
    cooldown_epochs: Annotated[int, Ge(0)] = 0
    """Extra epochs at `min_lr` at the end."""
    weight_decay: Annotated[float, Ge(0)]
    """Weight decay, decoupled if the optimizer's is."""
    weight_decay_on: Literal["all", "no_norm", "matrices", "none"] = "all"
    """Parameters that decay; `matrices`: all but one-dimensional tensors and what the model itself exempts."""
    batch_size: Annotated[int, Ge(1)]
    """Samples per update, over all processes; for text, the most padded tokens."""
    m: Annotated[int, Ge(1)] | None = None
    """Samples per ascent step and per batch of a norm layer; None becomes `batch_size`."""
    epochs: Annotated[int, Ge(1)]
    """Passes over the training split before the cool-down."""
    drop_last: bool = False
    """Whether an epoch drops its last samples if they don't fill a batch."""
    label_smoothing: Annotated[float, Ge(0), Lt(1)] = 0.0
    """s in (1 − s)·nll + s·mean(−log p)."""
    variant: str = NONE
    """How the ascent step perturbs: name in VARIANTS, or `none` for the base optimizer alone."""
    scope: str = NONE
    """Which parameters the ascent step perturbs: name in SCOPES, or `none`."""
    rho: Annotated[float, Gt(0)] | None = None
    """Radius ρ of the perturbation, in the variant's own norm; None for the base optimizer alone."""
    perturb_from: Annotated[int, Ge(0)] = 0
    """Epochs at the start without perturbation."""
    perturb_until: Annotated[int, Ge(1)] | None = None
    """Number of epochs after which the perturbation ends; None becomes all of them."""
    bn_stats: Literal["both", "first"] = "both"
    """Which passes update the running statistics of batch norm; `both` as in the paper."""
    bn_refresh: bool = False
    """Whether one more epoch of forward passes recomputes running statistics at the final weights."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Precision of forward and backward passes, by autocast; float16 with loss scaling."""
    tf32: bool = False
    """Whether GPUs may multiply float32 matrices in TF32."""
    channels_last: bool = False
    """Whether images and convolutions use the channels-last memory format: faster, with different rounding."""
    compile: bool = False
    """Whether the model's parts are compiled by torch.compile, with different rounding."""
    ascent_dtype: Literal["float32", "bfloat16"] = "float32"
    """Precision of the ascent pass; bfloat16 is faster and approximate."""
    ascent_share: Annotated[float, Gt(0), Le(1)] = 1.0
    """Share of the batch used in the ascent pass; below 1 is faster and approximate."""
    norm_rule: Literal["type", "name"] = "type"
    """How norm layers are recognised: by module type, or by name as in the paper's code."""
    trainable: Literal["all", "freeze_norm", "only_norm"] = "all"
    """Parameters that are trained; the others keep their initial values, γ at 1 and β at 0."""
    norm_dropout: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Dropout probability in norm layers, on what `norm_dropout_on` names."""
    norm_dropout_on: Literal["parameters", "output"] = "parameters"
    """What `norm_dropout` drops: entries of γ and β themselves, or of the norm layers' output."""
    settings: Settings = ()
    """Settings of the chosen entries (momentum, β, η, …), sorted by name, defaults filled in."""
    seed: Annotated[int, Ge(0)]
    """Fixes initialisation, data order and label noise; never depends on the method."""

    def __post_init__(self) -> None:
        # Resolved here, so that a trial has one identity whether these are left out or written down.
        resolved: dict[str, Any] = {
            "m": self.m or self.batch_size,
            "perturb_until": self.perturb_until or self.total_epochs,
            "preprocessing": self.preprocessing or self.usual_preprocessing,
        }
        if not self.perturbs:
            resolved |= {"perturb_from": 0, "perturb_until": self.total_epochs}
        if not self.norm_dropout:
            resolved |= {"norm_dropout_on": DEFAULTS["norm_dropout_on"]}
        self.__dict__.update(resolved)

    @cached_property
    def trial_id(self) -> str:
        """16 hexadecimal digits of SHA-256 over the canonical JSON."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()[:DIGITS]

    def canonical_json(self) -> str:
        """JSON with sorted keys, no spaces and the schema version: what the identity is a hash of."""
        return "{" + "".join(map(fragment, SORTED, _values_of(self.__dict__))) + SCHEMA_FRAGMENT

    def as_dict(self) -> dict[str, Any]:
        """Fields as plain JSON values, `settings` as an object."""
        values = {field: getattr(self, field) for field in FIELDS}
        return values | {"settings": dict(self.settings)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Trial:
        """The inverse of `as_dict`; a field that isn't there, or empty, is at its default, as it was before it came."""
        given = {name: value for name, value in values.items() if value is not None}
        return cls(**{**given, "settings": tuple(sorted(values["settings"].items()))})

    def setting(self, name: str) -> Scalar:
        """The value of one setting; KeyError if the chosen entries don't have it."""
        return dict(self.settings)[name]

    def value(self, name: str) -> Any:
        """The value of a field or setting; None if the trial has no such setting."""
        return getattr(self, name) if name in FIELDS else dict(self.settings).get(name)

    def written(self, name: str) -> Any:
        """The same, but None where it follows from another field, as if it were left out."""
        value = self.value(name)
        return None if name in _FOLLOWS and value == getattr(self, _FOLLOWS[name]) else value

    def as_written(self) -> dict[str, Any]:
        """`as_dict` without what follows from other fields."""
        return self.as_dict() | {name: self.written(name) for name in _FOLLOWS}

    @property
    def label(self) -> str:
        """A short description for people: `resnet8 sgd sam/only_norm ρ 0.5 seed 0`."""
        method = f"{self.variant}/{self.scope} ρ {self.rho:g} " if self.perturbs else ""
        return f"{self.model} {self.optimizer} {method}seed {self.seed}"

    @property
    def total_epochs(self) -> int:
        """Passes over the training split, those of the cool-down included."""
        return self.epochs + self.cooldown_epochs

    @property
    def usual_preprocessing(self) -> str:
        """Whose preprocessing images get where nothing is said."""
        return "model" if any(name.startswith(TIMM) for name in (self.model, self.init_from)) else "dataset"

    @property
    def perturbs(self) -> bool:
        """Whether the trial takes sharpness-aware steps at all."""
        return self.variant != NONE


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Trial))
"""Names of a trial's fields, in the order of their declaration."""

_FOLLOWS = {"m": "batch_size", "perturb_until": "total_epochs", "preprocessing": "usual_preprocessing"}
"""Field → what it equals where it was left out."""
DERIVED_FROM = frozenset({*_FOLLOWS, "batch_size", "epochs", "cooldown_epochs", "model", "init_from", "variant",
                          "perturb_from", "norm_dropout", "norm_dropout_on"})  # fmt: skip
"""Fields that `__post_init__` resolves, and those that it resolves them by."""
SORTED = tuple(sorted(FIELDS))
"""The fields in the order of the canonical JSON."""
DIGITS = 16
"""Of an id."""
_values_of = itemgetter(*SORTED)
DEFAULTS: dict[str, Any] = {item.name: item.default for item in fields(Trial) if item.default is not MISSING}
"""Values of the fields that a sweep may leave out."""

# The version stands last rather than in sorted order, so that it needs no merge; the golden test pins this form.
SCHEMA_FRAGMENT = f'"schema":{SCHEMA}}}'
"""How the canonical JSON ends."""
_FLOATS = frozenset(
    {"label_noise", "val_fraction", "lr", "min_lr", "warmup_lr", "weight_decay", "label_smoothing", "rho",
     "ascent_share", "norm_dropout"}
)  # fmt: skip


def canonical_value(name: str, value: Any) -> Any:
    """A field's value as it enters the identity, a plain JSON value."""
    if name == "settings":
        return dict(value)
    if name == "dataset":
        return dataset_identity(value)
    if name == "init_from":
        return weights_identity(value)
    return float(value) if name in _FLOATS and value is not None else value


@lru_cache(maxsize=1 << 16, typed=True)
def fragment(name: str, value: Any) -> str:
    """A field in the canonical JSON: nothing where it is at its default."""
    # Sweeps repeat the same few values in many trials: encoding each pair once makes hashing several times faster.
    if name in DEFAULTS and value == DEFAULTS[name]:
        return ""
    encoded = json.dumps(canonical_value(name, value), separators=(",", ":"), sort_keys=True, allow_nan=False)
    return f'"{name}":{encoded},'


def short(value: Any) -> str:
    """A value in a label."""
    if value is None:
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)
