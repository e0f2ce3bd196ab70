"""Other: the results to compare a board with: another store's, an export's or a commit's."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from bench.board.against import PAPER
from bench.board.board import read_results
from bench.board.footnotes import COLUMNS, Origin
from bench.board.metric import Metric
from bench.board.statistics import Summary
from bench.errors import UserError, unknown
from bench.measures.names import quantity_of
from bench.store import Readable, Store, connect, remote, sql
from bench.store.read.query import as_list
from bench.store.upkeep.export import read_exported
from bench.trial import Trial

SUFFIXES = (".parquet", ".csv", ".json")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")

Place = tuple[str, str, str, float | None]
"""Row, column, scope and ρ, as an exported board tells them."""


@dataclass(frozen=True)
class Other:
    """What there is on the other side."""

    name: str
    values: Mapping[str, float] = field(default_factory=dict)
    """Trial → the metric."""
    origins: tuple[Origin, ...] = ()
    """What these were made with."""
    own: frozenset[str] = frozenset()
    """Trials whose result here is the board's own, because the requested commit made it."""
    cells: Mapping[Place, Summary] = field(default_factory=dict)
    """Of an exported board, which has no trials."""


def read_other(name: str, stores: Readable, trials: Sequence[Trial], metric: Metric) -> Other:
    """The other side of `--against`; UserError if it can't be read, or has nothing of these trials."""
    found = _read(name, stores, trials, metric)
    if not found.values and not found.cells:
        raise UserError(f"--against {name}: has no {metric.name} of any of the {len(trials)} trials")
    return found


def _read(name: str, stores: Readable, trials: Sequence[Trial], metric: Metric) -> Other:
    path, address = Path(name), remote.address_of(name)
    if _suffix(name) in SUFFIXES and (address or path.is_file()):
        return _of_table(name, _table(name), {trial.trial_id for trial in trials}, metric)
    if address or path.is_dir():
        return _of_store(name, Store.open(name), trials, metric)
    if _COMMIT.fullmatch(name):
        return _of_commit(name, stores, trials, metric)
    raise UserError(
        f"--against: {unknown('choice', name, [PAPER])}, or a store, a bundle, an exported file "
        f"({', '.join(SUFFIXES)}) or a commit (7 to 40 hexadecimal digits)"
    )


def _of_store(name: str, store: Store, trials: Sequence[Trial], metric: Metric) -> Other:
    rows = read_results([store], trials, [metric.name])
    return _of_rows(f"store {name}", metric, rows)


def _of_rows(name: str, metric: Metric, rows: Mapping[str, Mapping[str, Any]], own: Sequence[str] = ()) -> Other:
    done = {
        trial_id: row for trial_id, row in rows.items() if row["outcome"] == "done" and row[metric.name] is not None
    }
    values = {trial_id: float(row[metric.name]) for trial_id, row in done.items()}
    return Other(name, values, tuple(Origin.of(row) for row in done.values()), frozenset(own) & values.keys())


def _table(name: str) -> pa.Table:
    """An exported file; UserError if it is none."""
    try:
        if _suffix(name) == ".csv":
            return _csv(_content(name))
        if _suffix(name) == ".json":
            document = json.loads(_content(name))
            return pa.Table.from_pylist(document["cells"] if isinstance(document, dict) else document)
        return read_exported(name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
        raise UserError(f"--against {name}: can't be read as results: {' '.join(str(error).split())}") from error


def _suffix(name: str) -> str:
    """The suffix of a path, or of an address without its options."""
    return Path(name.partition("?")[0]).suffix


def _content(name: str) -> bytes:
    """What a file holds, here or at an address."""
    if remote.address_of(name) is None:
        return Path(name).read_bytes()
    filesystem, place = remote.filesystem(name, example="FILE.csv")
    with filesystem.open_input_stream(place) as stream:
        return bytes(stream.read())


def _csv(content: bytes) -> pa.Table:
    from pyarrow import csv

    # Keep as text what looks like a number: an id that is all digits, a row named by its ρ.
    texts = dict.fromkeys(("trial_id", "outcome", "row", "column", "scope", "metric"), pa.string())
    return csv.read_csv(io.BytesIO(content), convert_options=csv.ConvertOptions(column_types=texts))


def _of_table(name: str, table: pa.Table, ids: set[str], metric: Metric) -> Other:
    there = set(table.column_names)
    if {"row", "column", "scope", "mean", "n", "metric"} <= there:
        return _of_board(name, table, metric)
    if not {"trial_id", "outcome"} <= there:
        raise UserError(
            f"--against {name}: is neither results, which have trial_id and outcome, nor a board; write one by "
            "`sambench store export` or `sambench board --format csv`"
        )
    columns = [column for column in ("trial_id", "outcome", *COLUMNS) if column in there]
    named = ", ".join(map(sql.name, columns))
    with duckdb.connect() as connection:
        connection.register("results", table)
        try:
            cursor = connection.execute(f"SELECT {named}, {metric.column} FROM results")
        except duckdb.Error as error:
            raise UserError(f"--against {name}: has no column {metric.name}") from error
        rows = {row[0]: dict(zip((*columns, metric.name), row, strict=True)) for row in cursor.fetchall()}
    return _of_rows(f"export {name}", metric, {trial_id: row for trial_id, row in rows.items() if trial_id in ids})


def _of_board(name: str, table: pa.Table, metric: Metric) -> Other:
    """From a board's CSV or JSON: means alone."""
    cells = {}
    for row in table.to_pylist():
        if row["metric"] == metric.name and row["mean"] is not None:
            place = str(row["row"]), str(row["column"]), str(row["scope"]), row.get("rho")
            cells[place] = Summary(float(row["mean"]), row.get("std"), int(row["n"]))
    return Other(f"board {name}", cells=cells)


def _of_commit(commit: str, stores: Readable, trials: Sequence[Trial], metric: Metric) -> Other:
    """Results of this store that code of the commit made; of a trial that it made several times, the earlier one."""
    now = {
        trial_id: row
        for trial_id, row in read_results(stores, trials, [metric.name]).items()
        if str(row.get("git_commit") or "").startswith(commit)
    }
    earlier = _superseded(commit, stores, trials, metric)
    found = _of_rows(f"commit {commit}", metric, {**now, **earlier}, own=[*(now.keys() - earlier.keys())])
    if not found.values:
        raise UserError(f"--against {commit}: {_commits(stores, trials)}")
    return found


def _superseded(commit: str, stores: Readable, trials: Sequence[Trial], metric: Metric) -> dict[str, dict[str, Any]]:
    """By trial, results of superseded trainings; measures only, because costs of these aren't kept."""
    measure, settings = quantity_of(metric.name)
    columns = ", ".join(f"attempts.{sql.name(column)}" for column in COLUMNS)
    select = f"""SELECT trial_id, outcome, {columns}, value FROM superseded JOIN attempts USING (trial_id, attempt)
        WHERE outcome = 'done' AND measure = $measure AND settings = $settings AND starts_with(git_commit, $commit)
        ORDER BY attempt"""
    known = {"measure": measure, "settings": settings, "commit": commit}
    with connect(stores, ["superseded", "attempts"], only=[trial.trial_id for trial in trials]) as connection:
        rows = connection.execute(select, known).fetchall()
    return {row[0]: dict(zip(("trial_id", "outcome", *COLUMNS, metric.name), row, strict=True)) for row in rows}


def _commits(stores: Readable, trials: Sequence[Trial]) -> str:
    """The message for a commit without results, with the commits that have some."""
    with connect(stores, ["attempts"], only=[trial.trial_id for trial in trials]) as connection:
        found = connection.execute(
            "SELECT git_commit[:10], count(*) FROM attempts WHERE outcome = 'done' AND git_commit IS NOT NULL "
            "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5"
        ).fetchall()
    where = ", ".join(str(store.root) for store in as_list(stores))
    told = ", ".join(f"{commit} ({count})" for commit, count in found)
    return f"no result in {where} was made by that commit" + (f"; there are results of {told}" if told else "")
