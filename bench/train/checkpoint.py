"""Checkpoints: the state of a training run after an epoch, and the final weights."""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn

from bench.store import files
from bench.store.files import plain

_DIGEST = hashlib.sha256().digest_size


class DamagedCheckpoint(Exception):
    """A checkpoint whose bytes are not the ones that were written."""


def save(path: Path, state: dict[str, Any]) -> None:
    """Write `state` in one step, behind its SHA-256: torch's own format doesn't notice a flipped bit."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    files.write(path, hashlib.sha256(payload).digest() + payload)


def load(path: Path) -> dict[str, Any] | None:
    """The state at `path` on the CPU, None if there is no file; DamagedCheckpoint if it isn't whole."""
    try:
        data = plain.read(path)
    except FileNotFoundError:
        return None
    except plain.NotPlain as error:
        raise DamagedCheckpoint(f"{path}: {error}") from error
    digest, payload = data[:_DIGEST], data[_DIGEST:]
    if hashlib.sha256(payload).digest() != digest:
        raise DamagedCheckpoint(f"{path}: checksum differs from its content")
    try:
        # Tensors and plain values only: a pickle from a stranger could run any code.
        state: dict[str, Any] = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise DamagedCheckpoint(f"{path}: holds no state of a training") from error
    return state


def save_weights(path: Path, model: nn.Module) -> None:
    """Write parameters and buffers as safetensors."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    files.write(path, safetensors.torch.save(tensors))


def load_weights(path: Path, model: nn.Module) -> None:
    """Give `model` the parameters and buffers at `path`; ValueError if they aren't whole, or of another model."""
    if path.exists() and not path.is_file():
        # A pipe would let the reader wait for ever.
        raise ValueError(f"{path}: damaged: {plain.NO_FILE}")
    try:
        model.load_state_dict(safetensors.torch.load_file(path))
    except (safetensors.SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path}: damaged, or the weights of another model: {error}") from error
