"""Extract: sweeps' trials from stores read as one, as a compacted store of their own.

The same trials give the same bytes: rows are sorted, files are named by their trials, and none says when it was made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from bench.errors import UserError
from bench.publish.scrub import Scrub, origin
from bench.store import Store, connect, declarations, files, sql
from bench.store.compacted import manifest, part
from bench.store.files import plain, seal
from bench.store.folder import COMPACT
from bench.store.outputs import damaged_outputs
from bench.store.read import snapshot
from bench.store.read.columns import columns
from bench.store.read.tables import RENAMED, TABLES, load_loose, relation
from bench.store.read.trial_rows import HIDDEN

_SCHEMA = "read"


def extract(stores: Sequence[Store], trial_ids: Collection[str], root: Path) -> Store:
    """A store at `root` with what is recorded of these trials; UserError if some of it is damaged."""
    owned = _owned(stores, trial_ids)
    scrub = Scrub(_hosts(stores, trial_ids))
    new = Store.create(root)
    files.make_folder(root / COMPACT)
    live = manifest.current(root)
    written = [_write_part(store, ids, live, scrub) for store, ids in owned if ids]
    live.publish(
        {each.name: each.trials for each in written},
        {name: size for each in written for name, size in each.sizes.items()},
        {name: digest for each in written for name, digest in each.digests.items()},
    )
    for mark in live.folder.glob(f"*{part.WRITING}"):
        mark.unlink()
    for store, ids in owned:
        for trial_id in ids:
            _copy_files(store, trial_id, new)
        _copy_declarations(store, new)
    return new


def _owned(stores: Sequence[Store], trial_ids: Collection[str]) -> list[tuple[Store, list[str]]]:
    """Of each store the trials that are taken from it, sorted: those of which an attempt is over."""
    where = "store" if len(stores) > 1 else "''"
    with connect(stores, ["trials", "attempts"], only=trial_ids) as connection:
        select = f"SELECT trial_id, {where} FROM trials SEMI JOIN attempts USING (trial_id) ORDER BY 1"
        rows = connection.execute(select).fetchall()
    for store in stores:
        for text in store.left_out.values():
            raise UserError(f"{store.root}: can't be published: {text}")
    return [(each, [name for name, root in rows if root in ("", str(each.root))]) for each in stores]


def _hosts(stores: Sequence[Store], trial_ids: Collection[str]) -> list[str]:
    with connect(stores, ["attempts"], only=trial_ids) as connection:
        return [host for (host,) in connection.execute("SELECT DISTINCT host FROM attempts").fetchall()]


def _write_part(store: Store, trial_ids: Sequence[str], live: manifest.Manifest, scrub: Scrub) -> part.Part:
    look = snapshot.take(store, trial_ids)
    manifest.require(look.manifest)
    with sql.opened() as connection:
        for path, reason in load_loose(connection, _SCHEMA, store, look, TABLES).items():
            raise UserError(f"{path}: can't be published: damaged: {reason}")
        connection.execute("CREATE TABLE chosen AS SELECT unnest($ids::VARCHAR[]) AS trial_id", {"ids": trial_ids})

        def rows(table: str) -> str:
            whole = relation(_SCHEMA, look, table, look.manifest.parts)
            changed = f" REPLACE ({_otherwise(scrub)})" if table in ("attempts", "results") else ""
            chosen = f"SELECT *{changed} FROM ({whole}) WHERE trial_id IN (FROM chosen)"
            return f"SELECT {_ordered(connection, table, chosen)} FROM ({chosen})"

        _load_texts(connection, relation(_SCHEMA, look, "attempts", look.manifest.parts), scrub)
        name = hashlib.sha256("".join(trial_ids).encode()).hexdigest()[:12]
        written = part.write(connection, live, rows, name)
    if written.trials != len(trial_ids) or manifest.current(store.root).generation != look.manifest.generation:
        raise UserError(f"{store.root}: was written to while it was read: publish again")
    return written


def _ordered(connection: duckdb.DuckDBPyConnection, table: str, rows: str) -> str:
    """SQL for the columns: the documented ones, then by name those of settings and measures that any row has."""
    there = [column[0] for column in connection.execute(f"{rows} LIMIT 0").description]
    known = [*(column.name for column in columns(table)), *HIDDEN, *(f"{name}_1" for name in RENAMED)]
    others = sorted(name for name in there if name not in known)
    counts = connection.execute(
        f"SELECT count(*){''.join(f', count({sql.name(name)})' for name in others)} FROM ({rows})"
    )
    filled = [name for name, count in zip(others, counts.fetchall()[0][1:], strict=True) if count]
    return ", ".join(map(sql.name, [*(name for name in known if name in there), *filled]))


def _load_texts(connection: duckdb.DuckDBPyConnection, attempts: str, scrub: Scrub) -> None:
    """A table for each column that is written otherwise: its texts, and what is written instead."""
    for column, told in scrub.columns.items():
        select = f"SELECT DISTINCT {column} FROM ({attempts}) WHERE trial_id IN (FROM chosen) AND {column} IS NOT NULL"
        texts = [text for (text,) in connection.execute(select).fetchall()]
        connection.execute(
            f"CREATE TABLE {column}_told AS SELECT unnest($texts::VARCHAR[]) AS text, unnest($told::VARCHAR[]) AS told",
            {"texts": texts, "told": [*map(told, texts)]},
        )


def _otherwise(scrub: Scrub) -> str:
    """SQL for the columns that are written otherwise."""
    told = [f"(SELECT told FROM {column}_told WHERE text = {column}) AS {column}" for column in scrub.columns]
    return ", ".join([*told, "NULL::BIGINT AS pid"])


def _copy_files(source: Store, trial_id: str, target: Store) -> None:
    """What the trial is, and what its model says of each test image."""
    old, new = source.folder(trial_id), target.folder(trial_id)
    for path, reason in damaged_outputs(old).items():
        raise UserError(f"{path}: can't be published: damaged: {reason}")
    files.make_folder(new.path)
    for origin_, copy in ((old.trial, new.trial), (old.outputs, new.outputs)):
        try:
            files.write(copy, plain.read(origin_), flush=False)
        except FileNotFoundError:
            continue


def _copy_declarations(source: Store, target: Store) -> None:
    """What plug-ins say of themselves."""
    for name in sorted(plain.names(source.root / declarations.FOLDER)):
        held = seal.read_json(plain.read(source.root / declarations.FOLDER / name))
        held.pop("seal", None)
        files.make_folder(target.root / declarations.FOLDER)
        described = seal.sealed_json({**held, "origin": origin(held.get("origin", {}))})
        files.write(target.root / declarations.FOLDER / name, described, flush=False)
