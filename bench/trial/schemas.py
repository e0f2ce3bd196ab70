"""Schemas: trial ids under earlier schemas, so that old results are found but never taken for new ones.

- 1: the first.
- 2: warm-up, cool-down, precision, held-out share and pretrained weights became fields.
- 3: AutoAugment as its authors apply it, class tokens that start at a std of 0.02, random masks by the trial's seed, a
  smaller last batch in micro-batches too, and ImageNet as timm's script prepares it.

A trial of an earlier schema has the id that its rule gave it, which includes every field that it knew. A trial of
this schema and one of an earlier belong together where they agree in all fields and settings that both know: their
results may be shown side by side, but what these fields mean has changed, so that no mean may be taken over both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bench.trial import SCHEMA, Trial, canonical_value
from bench.trial.content import without_content

_SINCE_2 = frozenset(
    {"val_fraction", "image_size", "init_from", "min_lr", "warmup_epochs", "warmup_lr", "cooldown_epochs",
     "precision", "tf32", "channels_last", "compile"}
)  # fmt: skip
_FIELDS_OF_2 = _SINCE_2 | {
    "dataset", "label_noise", "augment", "model", "optimizer", "lr", "weight_decay", "weight_decay_on", "batch_size",
    "m", "epochs", "label_smoothing", "variant", "scope", "rho", "perturb_from", "perturb_until", "bn_stats",
    "ascent_dtype", "ascent_share", "norm_rule", "trainable", "norm_dropout", "settings", "seed",
}  # fmt: skip

EARLIER: dict[int, frozenset[str]] = {2: _FIELDS_OF_2, 1: _FIELDS_OF_2 - _SINCE_2}
"""Schema → the fields that it knew, newest first."""

_NEW_SETTINGS = frozenset({"nesterov", "color_jitter", "crop_interpolation", "zero_init"})
"""Settings that none of them knew."""


def id_under(trial: Trial, schema: int) -> str:
    """The id that a trial has under a schema, this one or an earlier."""
    return trial.trial_id if schema == SCHEMA else id_of(trial.as_dict(), schema)


def id_of(values: Mapping[str, Any], schema: int) -> str:
    """The id that an earlier schema gives these fields, of which those that it doesn't know are left out.

    KeyError if one that it knows isn't there.
    """
    known = {name: canonical_value(name, values[name]) for name in EARLIER[schema]}
    # A folder of images was known by its path.
    known["dataset"] = without_content(str(values["dataset"]))
    known["settings"] = {name: value for name, value in known["settings"].items() if name not in _NEW_SETTINGS}
    fields = (f'"{name}":' + json.dumps(known[name], separators=(",", ":"), sort_keys=True) for name in sorted(known))
    text = "{" + ",".join(fields) + f',"schema":{schema}}}'
    return hashlib.sha256(text.encode()).hexdigest()[:16]
