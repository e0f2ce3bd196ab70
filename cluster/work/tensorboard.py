"""A trial's TensorBoard files: every column of its history per epoch, on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_OURS = ".sambench"
"""End of the names of files that were written here: no others are removed."""


def write(folder: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Write the epochs of `history` anew, so that a resumed trial shows each epoch once."""
    # An optional package, and slow to import.
    from torch.utils.tensorboard import SummaryWriter

    for old in folder.glob(f"events.out.tfevents.*{_OURS}"):
        old.unlink()
    with SummaryWriter(str(folder), filename_suffix=_OURS) as writer:
        for row in history:
            for name, value in row.items():
                if name != "epoch" and value is not None:
                    writer.add_scalar(name, value, row["epoch"])
