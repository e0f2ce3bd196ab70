"""Results: the per-epoch history and the measures of one trial, as Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from bench.store import files
from bench.store.layout import TrialFolder

HISTORY_SCHEMA = pa.schema(
    [
        ("trial_id", pa.string()),
        ("epoch", pa.int64()),  # 1-based: after that many epochs
        ("lr", pa.float64()),
        ("train_loss", pa.float64()),  # mean over the epoch's batches, at w, with label smoothing
        ("perturbed_loss", pa.float64()),  # the same at w + ε, over the samples of pass 2
        ("gradient_norm", pa.float64()),  # ‖·‖₂ of the gradient that the optimizer was given, last batch
        ("ascent_norm", pa.float64()),  # norm that ε is normalised by, last batch
        ("perturbation_norm", pa.float64()),  # ‖ε‖₂, last batch
        ("val_loss", pa.float64()),
        ("val_accuracy", pa.float64()),  # %
        ("test_loss", pa.float64()),
        ("test_accuracy", pa.float64()),  # %
        ("seconds", pa.float64()),  # training and evaluation
        ("images_per_s", pa.float64()),  # training images over the seconds of training
        ("waiting_seconds", pa.float64()),  # of training, spent waiting for the next batch
        ("device_memory_bytes", pa.int64()),  # peak allocated on the GPU in the epoch
    ]
)

MEASURES_SCHEMA = pa.schema(
    [
        ("trial_id", pa.string()),
        ("measure", pa.string()),
        ("settings", pa.string()),  # JSON; "{}" for none
        ("value", pa.float64()),
    ]
)


def write_history(folder: TrialFolder, epochs: Iterable[Mapping[str, Any]]) -> None:
    """Write the whole history of a trial, one row per epoch."""
    rows = [{"trial_id": folder.trial_id, **epoch} for epoch in epochs]
    files.write(folder.history, files.parquet_bytes(pa.Table.from_pylist(rows, schema=HISTORY_SCHEMA)))


def write_measures(folder: TrialFolder, values: Mapping[str, float]) -> None:
    """Write what was measured of a trained model: measure → value."""
    rows = [
        {"trial_id": folder.trial_id, "measure": name, "settings": "{}", "value": value}
        for name, value in values.items()
    ]
    files.write(folder.measures, files.parquet_bytes(pa.Table.from_pylist(rows, schema=MEASURES_SCHEMA)))
