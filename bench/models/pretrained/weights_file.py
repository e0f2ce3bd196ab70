"""Weights in a file: the one state dict that a file of weights holds, under the names of the model without wrappers.

Checkpoints of trainings hold more than weights, often the averaged ones (EMA) beside the others. Which of them is meant
is never guessed.
"""

from __future__ import annotations

import argparse
import logging
import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from bench.errors import UserError, first_line
from bench.escape import visible

_LOG = logging.getLogger(__name__)
_LEADING = ("module.", "_forward_module.", "model.")
"""What DDP, DataParallel, DeepSpeed and Lightning put before all names."""
_COMPILED = "_orig_mod"
"""What torch.compile puts where the compiled module is, at the top or further down."""
_AVERAGED = "n_averaged"
"""Count of models that torch's `AveragedModel` keeps beside their mean."""
_DEPTH = 2


def read_weights(path: Path, source: str, own: Collection[str]) -> dict[str, Tensor]:
    """The state dict in a .safetensors, .pt or .pth file, for a model with the names `own`.

    UserError, which names `source`, if it can't be had, if there are several, or if a weight isn't finite.
    """
    try:
        content = _read(path)
    except Exception as error:
        # A damaged file makes the unpickler raise nearly anything, KeyError and AssertionError among them.
        raise UserError(f"weights {source}: {path} can't be read as weights alone: {_reason(error)}") from error
    found = dict(_states(content))
    if not found:
        raise UserError(f"weights {source}: {path} holds no state dict, neither at its top nor as state_dict or model")
    if len(found) > 1:
        names = ", ".join(map(visible, sorted(found)))
        raise UserError(f"weights {source}: {path} holds several: {names}; save those that you mean in a file alone")
    [(where, state)] = found.items()
    if where:
        _LOG.info("%s: the weights are its %s", source, where)
    state = _unwrapped(state, own, source)
    bad = [name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise UserError(f"weights {source}: {bad[0]}{more} in {path} isn't finite: that training had diverged")
    return state


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    # Options of a command line, which timm's and many other scripts keep beside the weights: plain values.
    with torch.serialization.safe_globals([argparse.Namespace]):
        return torch.load(path, map_location="cpu", weights_only=True)


def _reason(error: Exception) -> str:
    """One line without torch's advice to trust the file."""
    foreign = re.search(r"GLOBAL (\S+)", str(error))
    if foreign:
        return f"it holds objects of {visible(foreign[1])} too, and making those may run code; save the weights alone"
    return visible(first_line(error))


def _states(content: Any, where: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Every state dict, by the keys that lead to it."""
    if not isinstance(content, dict):
        return
    if content and all(isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()):
        # Random states are dicts of tensors too, but of vectors alone.
        if any(value.dim() > 1 for value in content.values()):
            yield where, content
    elif depth:
        for key, value in content.items():
            yield from _states(value, f"{where}/{key}".lstrip("/"), depth - 1)


def _unwrapped(state: dict[str, Tensor], own: Collection[str], source: str) -> dict[str, Tensor]:
    """Under the names that the model itself gives."""
    if _AVERAGED in state:
        _LOG.info("%s: the mean of %d models", source, int(state[_AVERAGED]))
    names = {name: ".".join(part for part in name.split(".") if part != _COMPILED) for name in state}
    names.pop(_AVERAGED, None)
    for prefix in _LEADING * 2:
        if all(short.startswith(prefix) for short in names.values()) and not any(
            name.startswith(prefix) for name in own
        ):
            names = {name: short.removeprefix(prefix) for name, short in names.items()}
    short, times = Counter(names.values()).most_common(1)[0]
    if times > 1:
        raise UserError(f"weights {source}: {short} is there twice, with and without the name of a wrapper")
    return {short: state[name] for name, short in names.items()}
