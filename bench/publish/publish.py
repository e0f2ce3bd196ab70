"""Publish: everything that a bundle holds, written into one folder.

Boards, report and table are made of the bundle's own store and sweep files: what they show is what a reader gets.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bench
from bench.board import show_board
from bench.board.against import PAPER
from bench.board.formats.markdown import markdown
from bench.board.formats.records import as_csv
from bench.errors import UserError
from bench.optim.registry import OPTIMIZERS
from bench.papers.references import references
from bench.publish.citations import bibtex, citation_file
from bench.publish.extract import extract
from bench.publish.readme import SweepOptions, readme
from bench.publish.versions import fingerprints, made_with, requirements, versions_csv
from bench.report.page import report
from bench.sam.registry import SCOPES, VARIANTS
from bench.store import Store, connect, files
from bench.store.bundle.checksums import BUNDLE_SCHEMA, MARKER, SUMS, written
from bench.store.compacted.part import BY_KEY
from bench.store.damage import digest_of
from bench.store.files import seal
from bench.store.read.columns import columns
from bench.sweep import Sweep
from bench.trial.schemas import EARLIER, id_under

Load = Callable[[Path, Path | None], Sweep]
"""From a sweep file, and the store if it isn't the one that is published from, to the sweep that it names."""


@dataclass(frozen=True)
class Published:
    """What a bundle holds."""

    trials: int
    done: int
    outputs: int


def publish(
    stores: Sequence[Store], sweeps: Sequence[Sweep], load: Load, root: Path, options: SweepOptions
) -> Published:
    """Fill an empty folder with the bundle of the sweeps; UserError if there is nothing to publish."""
    _require_results(stores, sweeps)
    searched = _searched(sweeps, load)
    for sweep in (*sweeps, *searched):
        _copy_sweep(sweep, root / _place(sweep, sweeps))
    trials = [trial for sweep in (*sweeps, *searched) for trial in sweep.trials]
    # A board shows results of earlier schemas too, below its own.
    earlier = {id_under(trial, schema) for trial in trials for schema in EARLIER}
    store = extract(stores, {trial.trial_id for trial in trials} | earlier, root)
    read = [_read_back(sweep, load, _place(sweep, sweeps), root) for sweep in sweeps]
    table = _write_results(store, root / "results.parquet")
    outputs = sum(folder.outputs.exists() for folder in store.folders())
    _write_environment(store, root / "environment")
    _write_boards(store, read, root)
    cited = references(_sources(sweeps))
    _write(root / "citations.bib", bibtex(cited))
    _write(root / "CITATION.cff", citation_file(cited))
    done = sum(outcome == "done" for outcome in table["outcome"].to_pylist())
    _write(root / "README.md", readme(sweeps, searched, done, options, outputs))
    _write_marker(root, sweeps, searched, options)
    _write_sums(root)
    return Published(table.num_rows, done, outputs)


def _require_results(stores: Sequence[Store], sweeps: Sequence[Sweep]) -> None:
    for sweep in sweeps:
        with connect(stores, ["results"], only=[trial.trial_id for trial in sweep.trials]) as connection:
            if not connection.execute("SELECT 1 FROM results WHERE outcome = 'done' LIMIT 1").fetchone():
                raise UserError(f"nothing to publish: no trial of {sweep.name} is done")


def _searched(sweeps: Sequence[Sweep], load: Load) -> list[Sweep]:
    """The sweeps that a ρ was chosen from, or waits for, and those that they choose from."""
    found = {sweep.file.resolve(): sweep for sweep in sweeps}
    todo = list(sweeps)
    while todo:
        sweep = todo.pop()
        files_of = (*(each.file for each in sweep.choices), *(each.file for each in sweep.waits))
        for file in dict.fromkeys(files_of):
            if file.resolve() not in found:
                found[file.resolve()] = load(file, None)
                todo.append(found[file.resolve()])
    return sorted((each for each in found.values() if each not in sweeps), key=lambda each: each.name)


def _place(sweep: Sweep, published: Sequence[Sweep]) -> str:
    """Where its file lies in the bundle: to one that is published as it does now, else beside it, to be found again."""
    file = sweep.file.resolve()
    folders = [each.file.resolve().parent for each in published if file.is_relative_to(each.file.resolve().parent)]
    return f"sweeps/{file.relative_to(folders[0]).as_posix() if folders else file.name}"


def _copy_sweep(sweep: Sweep, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        raise UserError(f"{sweep.file}: can't be published beside another sweep of its name: give one another name")
    shutil.copyfile(sweep.file, target)


def _read_back(sweep: Sweep, load: Load, place: str, root: Path) -> Sweep:
    """The sweep as a reader of the bundle has it, who is in its folder."""
    read = replace(load(root / place, root), file=Path(place))
    if {trial.trial_id for trial in read.trials} != {trial.trial_id for trial in sweep.trials}:
        raise UserError(f"{sweep.file}: can't be published: beside its results alone it means other trials than here")
    return read


def _write_results(store: Store, path: Path) -> Any:
    """The wide table, and what its columns mean; the table."""
    with connect(store, ["results"]) as connection:
        table = connection.sql(f"SELECT * FROM results ORDER BY {BY_KEY}").to_arrow_table()
    files.write(path, files.parquet_bytes(table), flush=False)
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerows([("column", "type", "meaning"), *columns("results")])
    _write(path.with_name("columns.csv"), sink.getvalue())
    return table


def _write_environment(store: Store, folder: Path) -> None:
    folder.mkdir()
    rows = made_with(store)
    _write(folder / "versions.csv", versions_csv(rows))
    _write(folder / "requirements.txt", requirements(rows))
    _write(folder / "code.json", fingerprints(store))


def _write_boards(store: Store, sweeps: Sequence[Sweep], root: Path) -> None:
    (root / "boards").mkdir()
    for sweep in sweeps:
        for suffix, against in (("", None), *([("-against-paper", PAPER)] if sweep.paper else [])):
            page = show_board(store, sweep, against=against)
            _write(root / "boards" / f"{sweep.name}{suffix}.md", markdown(page))
            _write(root / "boards" / f"{sweep.name}{suffix}.csv", as_csv(page))
    _write(root / "report.html", report(store, sweeps, origin="from the results in this bundle"))


def _sources(sweeps: Sequence[Sweep]) -> Iterable[str]:
    """Where the methods of the sweeps come from; a plug-in's source is its own."""
    for trial in (trial for sweep in sweeps for trial in sweep.trials):
        for registry, name in ((OPTIMIZERS, trial.optimizer), (VARIANTS, trial.variant), (SCOPES, trial.scope)):
            if name in registry:
                yield registry[name].source


def _write_marker(root: Path, sweeps: Sequence[Sweep], searched: Sequence[Sweep], options: SweepOptions) -> None:
    described = {
        "bundle": BUNDLE_SCHEMA,
        "sambench": bench.__version__,
        "options": {"set": list(options.set_), "where": list(options.where)},
        "sweeps": [
            {
                "name": sweep.name,
                "file": _place(sweep, sweeps),
                "title": sweep.title,
                "searched": sweep in searched,
                "trials": [trial.trial_id for trial in sweep.trials],
            }
            for sweep in (*sweeps, *searched)
        ],
    }
    files.write(root / MARKER, seal.sealed_json(described), flush=False)


def _write_sums(root: Path) -> None:
    there = sorted(path for path in root.rglob("*") if path.is_file())
    files.write(root / SUMS, written({path.relative_to(root).as_posix(): digest_of(path) for path in there}))


def _write(path: Path, text: str) -> None:
    files.write(path, text.encode(), flush=False)
