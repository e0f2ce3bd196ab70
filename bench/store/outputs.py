"""Outputs of a trained model in the store: one Parquet file of a trial, sealed like its others, beside its weights."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.measures.outputs import Numbers, Outputs
from bench.store import arrow, files
from bench.store.damage import Damaged
from bench.store.files import plain, seal
from bench.store.folder import TrialFolder

REMEDY = (
    "`sambench store check --repair` puts it away, and `sambench measure` of what isn't taken yet, such as "
    "ece[bins=20], makes it anew from the weights"
)


def write_outputs(folder: TrialFolder, outputs: Outputs) -> None:
    """Write them in one step."""
    columns = {"label": arrow.numbers(outputs.labels), "logits": _lists(outputs.logits)}
    if outputs.classes is not None:
        columns["classes"] = _lists(outputs.classes)
    # Also where all logits are kept: these columns are small and handy in SQL.
    for name in ("label_logit", "log_sum", "squares"):
        columns[name] = arrow.numbers(getattr(outputs, name).astype(np.float32))
    files.write(folder.outputs, files.small_parquet_bytes(pa.table(columns), with_rows=False))


def read_outputs(path: Path) -> Outputs | None:
    """The outputs in a file; None if there is none, Damaged if it isn't what was written."""
    try:
        data = plain.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Damaged(path, plain.reason(error), REMEDY) from error
    if fault := fault_of(data):
        raise Damaged(path, fault, REMEDY)
    table = pq.read_table(io.BytesIO(data))
    numbers = {name: table[name].to_numpy() for name in ("label_logit", "log_sum", "squares")}
    classes = _matrix(table, "classes") if "classes" in table.column_names else None
    return Outputs(labels=table["label"].to_numpy(), logits=_matrix(table, "logits"), classes=classes, **numbers)


def fault_of(data: bytes) -> str | None:
    """What is wrong with the content of such a file."""
    return None if seal.is_whole(data) else seal.BROKEN


def damaged_outputs(folder: TrialFolder) -> dict[Path, str]:
    """The file and what is wrong with it, if anything is."""
    try:
        fault = fault_of(plain.read(folder.outputs))
    except FileNotFoundError:
        return {}
    except OSError as error:
        fault = plain.reason(error)
    return {folder.outputs: fault} if fault else {}


def _lists(matrix: Numbers) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(arrow.numbers(matrix.ravel()), matrix.shape[1])


def _matrix(table: pa.Table, name: str) -> Numbers:
    rows = table[name].combine_chunks()
    return np.asarray(rows.flatten().to_numpy(zero_copy_only=False)).reshape(len(rows), -1)
