"""How a model, or the weights that it starts from, want their images prepared."""

from __future__ import annotations

from bench.models import MODELS, check_preprocessing
from bench.models.pretrained.tags import PRETRAINED
from bench.registry import Interpolation, Preprocessing
from bench.trial.content import TIMM


def preprocessing_of(model: str, init_from: str = "") -> Preprocessing:
    """That of the weights of timm, else the model's own; ValueError if it has none.

    `model` and `init_from` are as in a trial.
    """
    named = next((name for name in (init_from, model) if name.startswith(TIMM)), None)
    if named in PRETRAINED:
        return PRETRAINED[named].preprocessing
    if named is not None:
        return _as_timm_says(named.removeprefix(TIMM))
    if fault := check_preprocessing(model, init_from):
        raise ValueError(fault)
    own = MODELS[model].preprocessing
    assert own is not None, "just checked"
    return own


def _as_timm_says(name: str) -> Preprocessing:
    # It takes seconds to import timm.
    from timm import get_pretrained_cfg

    from bench.models.timm_model import check_name

    check_name(name)
    found = get_pretrained_cfg(name)
    if found is None:
        raise ValueError(f"timm says nothing of the images that {name} takes; use preprocessing: dataset")
    interpolation: Interpolation = "bilinear" if found.interpolation == "bilinear" else "bicubic"
    return Preprocessing(mean=found.mean, std=found.std, crop=found.crop_pct, interpolation=interpolation)
