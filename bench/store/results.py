"""Results: the per-epoch history and the measures of one trial, as Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.store import files
from bench.store.folder import TrialFolder

HISTORY_COLUMNS = {
    "trial_id": "The trial.",
    "epoch": "1-based: after that many epochs.",
    "lr": "Learning rate of the epoch.",
    "train_loss": "Mean over the epoch's batches, at w, with label smoothing.",
    "perturbed_loss": "The same at w + ε, over the samples of pass 2.",
    "gradient_norm": "‖·‖₂ of the gradient that the optimizer was given, last batch.",
    "ascent_norm": "Norm that ε is normalised by, last batch.",
    "perturbation_norm": "‖ε‖₂, last batch.",
    "val_loss": "Mean loss on the validation split.",
    "val_accuracy": "Accuracy on the validation split, %.",
    "val_bleu": "BLEU on the validation split.",
    "test_loss": "Mean loss on the test split.",
    "test_accuracy": "Accuracy on the test split, %.",
    "test_bleu": "BLEU on the test split, after epochs of higher BLEU on the validation split than any before.",
    "seconds": "Of training and evaluation.",
    "images_per_s": "Training images, or tokens of the target language, over the seconds of training.",
    "waiting_seconds": "Of training, spent waiting for the next batch.",
    "device_memory_bytes": "Peak allocated on the GPU in the epoch.",
}
"""Column of the history → what it is."""

MEASURES_COLUMNS = {
    "trial_id": "The trial.",
    "measure": "Name of what was measured.",
    "settings": 'Settings that differ from the defaults, as JSON with sorted keys; "{}" for none.',
    "value": "What was measured; of a histogram the mean.",
    "counts": "Of a histogram the count of each bin, as JSON; else empty.",
    "code": "Fingerprint of the measure's own code.",
}
"""Column of the measures → what it is."""

SUPERSEDED_COLUMNS = {
    "trial_id": MEASURES_COLUMNS["trial_id"],
    "attempt": "The attempt that trained what was measured.",
} | MEASURES_COLUMNS
"""Column of what was measured of earlier trainings → what it is."""

_TYPES = dict.fromkeys(("trial_id", "measure", "settings", "counts", "code"), "VARCHAR") | dict.fromkeys(
    ("epoch", "device_memory_bytes", "attempt"), "BIGINT"
)
HISTORY_SCHEMA = {name: _TYPES.get(name, "DOUBLE") for name in HISTORY_COLUMNS}
MEASURES_SCHEMA = {name: _TYPES.get(name, "DOUBLE") for name in MEASURES_COLUMNS}
SUPERSEDED_SCHEMA = {name: _TYPES.get(name, "DOUBLE") for name in SUPERSEDED_COLUMNS}


def write_history(folder: TrialFolder, epochs: Iterable[Mapping[str, Any]]) -> None:
    """Write the whole history of a trial, one row per epoch."""
    from bench.store.arrow import table_of

    rows = [{"trial_id": folder.trial_id, **epoch} for epoch in epochs]
    table = table_of(rows, HISTORY_SCHEMA)
    files.write(folder.history, files.small_parquet_bytes(table, with_rows=False))


def write_measures(folder: TrialFolder, values: Mapping[str, float], code: Mapping[str, str] | None = None) -> None:
    """Write what was measured at the end of the training: measure → value, all with default settings.

    `code` has the fingerprint of each measure's own code.

    Later ones are added by `bench.store.measured`. Those of an open attempt are announced by its record.
    """
    from bench.store.arrow import table_of

    rows = [
        {"trial_id": folder.trial_id, "measure": name, "settings": "{}", "value": value, "code": (code or {}).get(name)}
        for name, value in values.items()
    ]
    table = table_of(rows, MEASURES_SCHEMA)
    files.write(folder.measures, files.small_parquet_bytes(table, with_rows=True))
