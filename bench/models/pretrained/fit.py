"""Pretrained weights: from a file, or from timm's collection, into a model that may differ in head and image size.

Names must agree. Ours for ImageNet have those of torchvision (ResNets) and timm (ViTs). Two things are adapted:
a classifier with another number of classes keeps the model's fresh weights, and position embeddings for another
image size are resampled (bicubic, as Dosovitskiy et al. 2021, section 3.2, propose; the code is timm's).
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

import timm
import torch
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor, nn

from bench.errors import UserError, first_line
from bench.models.pretrained.weights_file import read_weights
from bench.models.timm_model import check_weights
from bench.trial.content import TIMM

_LOG = logging.getLogger(__name__)
_POSITIONS = "pos_embed"
_COUNTER = "num_batches_tracked"
State = dict[str, Tensor]


def load_pretrained(model: nn.Module, source: str, *, weights_folder: Path | None = None) -> None:
    """Load the weights `source` into `model`; UserError if that can't be done.

    `source` is a .safetensors, .pt or .pth file of a state dict, or `timm/NAME.TAG`, weights of timm. A relative
    path starts from `weights_folder`, or the working directory; timm's downloads are kept in `weights_folder`,
    or Hugging Face's cache.
    """
    if source.startswith(TIMM):
        state = _of_timm(source, weights_folder)
    else:
        state = _of_file(source, weights_folder, model.state_dict())
    _resample_positions(model, state)
    fresh = _drop_other_classifier(model, state, source)
    _check_fit(model, state, fresh, source)
    # Not strict: a fresh classifier is missing, and old files have no counters of batches.
    model.load_state_dict(state, strict=False)


def _of_file(source: str, folder: Path | None, own: Collection[str]) -> State:
    path = (folder or Path()) / Path(source).expanduser()
    if not path.is_file():
        raise UserError(f"weights {source}: no file {path.absolute()}; or name weights of timm as {TIMM}NAME.TAG")
    return read_weights(path, source, own)


def _of_timm(source: str, folder: Path | None) -> State:
    name = source.removeprefix(TIMM)
    check_weights(name)
    try:
        # The network around the weights is drawn only to be overwritten; the run's random stream must not notice.
        with torch.random.fork_rng(devices=[]):
            return timm.create_model(name, pretrained=True, cache_dir=folder).state_dict()
    except (OSError, RuntimeError, ValueError) as error:
        cache = "" if folder is None else f", cache_dir={str(folder)!r}"
        raise UserError(
            f"weights {source}: timm could not get them: {type(error).__name__}: {first_line(error)}\n"
            f"Where there is a network, run: import timm; timm.create_model({name!r}, pretrained=True{cache})\n"
            f"and copy {folder or 'the Hugging Face cache (HF_HOME)'} to this machine, or name a file of weights."
        ) from error


def _resample_positions(model: nn.Module, state: State) -> None:
    """Fit position embeddings of a square grid of patches to the model's grid."""
    given, own = state.get(_POSITIONS), getattr(model, _POSITIONS, None)
    grid = getattr(getattr(model, "patch_embed", None), "grid_size", None)
    if given is None or own is None or grid is None or given.shape == own.shape:
        return
    prefix = own.shape[1] - grid[0] * grid[1]
    patches = given.shape[1] - prefix
    if given.dim() == own.dim() and patches > 0 and int(patches**0.5) ** 2 == patches:
        state[_POSITIONS] = resample_abs_pos_embed(given, list(grid), num_prefix_tokens=prefix)
        _LOG.info("position embeddings resampled from %d to %d×%d patches", patches, *grid)


def _drop_other_classifier(model: nn.Module, state: State, source: str) -> set[str]:
    """Leave out classifiers that the weights lack or have for another number of classes; the names left out."""
    own, fresh = model.state_dict(), set()
    for classifier in _classifiers(model):
        names = [name for name in own if name.startswith(f"{classifier}.")]
        given = [name for name in names if name in state]
        if not _differ_in_classes_alone([own[name] for name in names], [state[name] for name in given]):
            continue
        differs = (
            f"is for {len(state[given[0]])} classes, and {len(own[names[0]])} are needed" if given else "isn't there"
        )
        for name in given:
            del state[name]
        fresh |= set(names)
        _LOG.info("weights %s: %s %s: it starts fresh", source, classifier, differs)
    return fresh


def _differ_in_classes_alone(own: list[Tensor], given: list[Tensor]) -> bool:
    if not given:
        return True
    same_rest = [tensor.shape[1:] for tensor in own] == [tensor.shape[1:] for tensor in given]
    classes = {tensor.shape[:1] for tensor in given}
    return same_rest and len(classes) == 1 and classes != {own[0].shape[:1]}


def _classifiers(model: nn.Module) -> list[str]:
    """Names of the layers that give the logits: what timm says, or else the last linear layer."""
    named = getattr(model, "pretrained_cfg", {}).get("classifier")
    if named:
        return [named] if isinstance(named, str) else list(named)
    return [name for name, module in model.named_modules() if isinstance(module, nn.Linear)][-1:]


def _check_fit(model: nn.Module, state: State, fresh: set[str], source: str) -> None:
    own = model.state_dict()
    needed = [name for name in own if name not in fresh and not name.endswith(_COUNTER)]
    faults = {
        "missing": [name for name in needed if name not in state],
        "unexpected": [name for name in state if name not in own],
        "of another shape": [
            f"{name} {_shape(value)}, not {_shape(own[name])}"
            for name, value in state.items()
            if name in own and value.shape != own[name].shape
        ],
    }
    listed = "; ".join(f"{what}: {_first(names)}" for what, names in faults.items() if names)
    if listed:
        raise UserError(f"weights {source} do not fit {type(model).__name__}; {listed}{_way_out(model, state)}")


def _way_out(model: nn.Module, state: State) -> str:
    """How to have a fresh classifier, where the one that is there differs in more than the number of classes."""
    own, prefixes = model.state_dict(), tuple(f"{layer}." for layer in _classifiers(model))
    names = [name for name in own if name.startswith(prefixes) and name in state]
    if all(state[name].shape == own[name].shape for name in names):
        return ""
    return f"; for a fresh classifier leave {' and '.join(names)} out of the file"


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "scalar"


def _first(names: list[str], most: int = 3) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
