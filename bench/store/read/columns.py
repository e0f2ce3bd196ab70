"""Columns: what `sambench schema` says about every column, taken from where it is declared."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any, NamedTuple

from bench.errors import UserError
from bench.measures import MEASURES
from bench.store.attempt import Attempt
from bench.store.read.tables import QUERIED, RENAMED, SCHEMAS
from bench.store.read.trial_rows import FIELD_TYPES, SCHEMA_COLUMN
from bench.store.results import HISTORY_COLUMNS, MEASURES_COLUMNS, SUPERSEDED_COLUMNS
from bench.trial import FIELDS, Trial

ABOUT = {
    "trials": "one row per trial: its fields; every setting is a column as well",
    "attempts": "one row per try at a trial: how it ended, where, with what",
    "history": "one row per trial and epoch",
    "measures": "one row per trial, measure and settings",
    "results": "one row per trial: its fields, the attempt that counts, each measure as a column",
    "superseded": "one row per measure of an earlier training, since which the trial was trained again",
}
_TRIAL_ID = "16 hexadecimal digits that identify the trial by all of its fields."
_SCHEMA = "Version of the fields' meaning that it was recorded under; results of different ones don't compare."


class Column(NamedTuple):
    """A column and what it means."""

    name: str
    type: str
    about: str


def columns(table: str) -> list[Column]:
    """The documented columns of a table; UserError if there is no such table."""
    if table not in QUERIED:
        raise UserError(f"unknown table {table!r}: choose one of {', '.join(QUERIED)}")
    if table == "trials":
        return _trials()
    if table == "results":
        attempt = [column for column in _arrow("attempts") if column.name != "trial_id"]
        renamed = [column._replace(name=RENAMED.get(column.name, column.name)) for column in attempt]
        return [*_trials(), *renamed, *(Column(name, "DOUBLE", _measure(name)) for name in MEASURES)]
    more = [Column("superseded", "BOOLEAN", "Whether the trial was trained again since.")]
    return _arrow(table) + (more if table == "attempts" else [])


def _trials() -> list[Column]:
    about = described_fields(Trial)
    fields = [Column(name, FIELD_TYPES[name], about.get(name, "")) for name in FIELDS if name != "settings"]
    schema = Column(SCHEMA_COLUMN, "BIGINT", _SCHEMA)
    return [Column("trial_id", "VARCHAR", _TRIAL_ID), *fields, schema]


def _arrow(table: str) -> list[Column]:
    about = {"attempts": described_fields(Attempt), "history": HISTORY_COLUMNS, "measures": MEASURES_COLUMNS}.get(
        table, SUPERSEDED_COLUMNS
    )
    named = list(SCHEMAS[table].items())
    return [Column(name, type_, about.get(name, "")) for name, type_ in named]


def _measure(name: str) -> str:
    settings = MEASURES[name].settings
    told = f" With other settings ({', '.join(settings)}) it has a column of its own." if settings else ""
    return f"Measure {name}; empty unless the trial is done.{told}"


def described_fields(described: type[Any]) -> dict[str, str]:
    """Field → the text under it in the class's source."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(described))).body
    assert isinstance(body, ast.ClassDef)
    found, field = {}, None
    for node in body.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            field = node.target.id
        elif field and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found[field], field = " ".join(str(node.value.value).split()), None
    return found
