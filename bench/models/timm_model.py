"""Every model of timm (Wightman 2019), with fresh weights.

`bench.models.timm_model:NAME` is the builder of timm's model NAME. The models are timm's own, so they have no
`segments()`: both passes of a sharpness-aware step run through the whole network, and scopes know no stages.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import partial
from typing import Any

import timm
from torch import nn

from bench.errors import UserError
from bench.trial.content import TIMM


def check_name(name: str) -> None:
    """UserError with the nearest names if timm has no model `name`; a pretrained tag after a dot is left out."""
    if timm.is_model(name):
        return
    close = difflib.get_close_matches(name.partition(".")[0], timm.list_models(), n=3)
    nearest = f"; nearest: {', '.join(close)}" if close else ""
    raise UserError(f"timm {timm.__version__} has no model {name!r}{nearest}")


def check_weights(name: str) -> None:
    """UserError with the names that there are if timm has no weights `name`, such as `resnet50.a1_in1k`."""
    check_name(name)
    if not timm.is_model_pretrained(name):
        there = [f"{TIMM}{tag}" for tag in timm.list_pretrained(f"{name.partition('.')[0]}.*")]
        listed = ", ".join(there) or "none"
        raise UserError(f"weights timm/{name}: timm has none of that name; for this model: {listed}")


def create(name: str, *, num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """timm's model `name`, for images of `image_size` where its weights depend on the size."""
    check_name(name)
    try:
        size: dict[str, Any] = {"img_size": image_size} if _is_sized(name) else {}
        return timm.create_model(name, pretrained=False, num_classes=num_classes, in_chans=in_channels, **size)
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        # timm's constructors check their arguments by all of these.
        wanted = f"{image_size}×{image_size} images of {in_channels} channels and {num_classes} classes"
        raise UserError(f"timm can't build {name} for {wanted}: {error}") from error


def _is_sized(name: str) -> bool:
    config = timm.get_pretrained_cfg(name)
    return config is not None and config.fixed_input_size


def __getattr__(name: str) -> Callable[..., nn.Module]:
    if name.startswith("__"):
        raise AttributeError(name)
    return partial(create, name)
