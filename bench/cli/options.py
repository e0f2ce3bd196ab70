"""What commands share: their options, and how a sweep and its states are loaded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.render.terminal import fail, tell

if TYPE_CHECKING:
    from bench.store import State, Store
    from bench.sweep import Chooser, Sweep


SweepArgument = Annotated[
    Path, typer.Argument(metavar="SWEEP", help="Sweep file; `demo` is `sweeps/demo.yaml`, here or installed.")
]
TrialsArgument = Annotated[
    str, typer.Argument(metavar="SWEEP|TRIAL", help="Sweep file, or a trial id or its first characters.")
]
"""Of commands that are as often about one trial as about those of a sweep."""


def _only_one(context: typer.Context, stores: list[Path]) -> list[Path]:
    if len(stores) != 1:
        named = ", ".join(map(str, stores))
        fail(
            f"--store: {context.command_path} takes one store, not {len(stores)}: {named}; "
            "`sambench store merge` makes one of several"
        )
    return stores


StoreOption = Annotated[
    list[Path],
    typer.Option(
        "--store", metavar="FOLDER", envvar="SAMBENCH_STORE", help="Folder of the results.", callback=_only_one
    ),
]
"""Of commands that write; a list of one, so that a second is noticed."""
StoresOption = Annotated[
    list[Path],
    typer.Option(
        "--store",
        metavar="FOLDER",
        envvar="SAMBENCH_STORE",
        help="Folder of the results; may be repeated: several are read as one.",
    ),
]
"""Of commands that read."""
DEFAULT_STORES = [Path("store")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Replace a field of the sweep, such as `seed=1`."),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="FIELD=VALUE",
        help="Only these trials, such as `variant=sam`; may be repeated, for one field as alternatives.",
    ),
]
MetricOption = Annotated[
    str | None,
    typer.Option(
        "--metric", metavar="MEASURE", help="Measure to show, or a cost such as `train_s`; default: the sweep's first."
    ),
]
MaxTrialsOption = Annotated[
    int | None,
    typer.Option("--max-trials", min=1, metavar="N", help="Allow a sweep of so many trials; without it, of a million."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SmokeOption = Annotated[
    bool, typer.Option("--smoke", help="The sweep shrunk to seconds on a CPU: random tiny images, one epoch.")
]


def _use_data_root(root: Path | None) -> Path | None:
    if root is not None:
        # Through the environment, so that workers in other processes find it too.
        os.environ["SAMBENCH_DATA"] = str(root.absolute())
    return root


DataRootOption = Annotated[
    Path | None,
    typer.Option(
        "--data-root", callback=_use_data_root, help="Folder of the data sets; default: $SAMBENCH_DATA, else data/."
    ),
]


def load_sweep(
    sweep: Path,
    overrides: list[str] | None,
    stores: Sequence[Path],
    *,
    smoke: bool = False,
    max_trials: int | None = None,
    where: list[str] | None = None,
    planned: bool = False,
) -> Sweep:
    """The sweep's trials that `where` asks for, every ρ chosen by results in `stores`; what waits is in `waits`.

    What is `planned` is checked for all that would fail when it is trained.
    """
    from bench.sweep import MAX_TRIALS, load
    from bench.sweep.file.lookup import sweep_file
    from bench.sweep.select import where as select
    from bench.sweep.smoke import smoke as shrink

    loaded = load(
        sweep_file(sweep),
        _pairs(overrides or ()),
        _chooser(stores, smoke=smoke),
        max_trials=max_trials or MAX_TRIALS,
        recorded=lambda name: _recorded(stores, name),
        planned=planned,
    )
    return select(shrink(loaded) if smoke else loaded, where or ())


def _pairs(overrides: Sequence[str]) -> dict[str, str]:
    """`--set`, each field once."""
    pairs: dict[str, str] = {}
    for text in overrides:
        field, equals, value = text.partition("=")
        if not equals or not field:
            fail(f"--set {field}: write FIELD=VALUE, such as --set seed=1")
        if field in pairs:
            fail(f"--set {field}: is given twice; write several values as --set '{field}=[{pairs[field]}, {value}]'")
        pairs[field] = value
    return pairs


def _chooser(stores: Sequence[Path], *, smoke: bool) -> Chooser:
    """The chooser of `stores`, made when a sweep first asks for it: most never do, and it takes its time to import."""

    @cache
    def made() -> Chooser:
        from bench.board.chooser import StoreChooser
        from bench.sweep.smoke import twins

        return StoreChooser(open_existing(stores), twins if smoke else None)

    return lambda search, trials, by: made()(search, trials, by)


def _recorded(stores: Sequence[Path], name: str) -> str | None:
    """The data set with the content that it last had, by what was run on it."""
    from bench.store.read.query import newest_dataset

    opened = open_existing(stores)
    return newest_dataset(opened, name) if opened else None


def load_ready(
    sweep: Path,
    overrides: list[str] | None,
    stores: Sequence[Path],
    *,
    smoke: bool = False,
    max_trials: int | None = None,
    where: list[str] | None = None,
) -> Sweep:
    """The sweep as far as its choices are made; what it waits for is said, and ends the command if that is all."""
    loaded = load_with_notes(sweep, overrides, stores, smoke=smoke, max_trials=max_trials, where=where)
    if not loaded.trials:
        raise typer.Exit(0)
    return loaded


def load_with_notes(
    sweep: Path,
    overrides: list[str] | None,
    stores: Sequence[Path],
    *,
    smoke: bool = False,
    max_trials: int | None = None,
    where: list[str] | None = None,
) -> Sweep:
    """The sweep as far as its choices are made, which may be no trial; what it waits for is said and in its notes."""
    loaded = load_sweep(sweep, overrides, stores, smoke=smoke, max_trials=max_trials, where=where)
    if not loaded.waits:
        return loaded
    for line in describe_waits(loaded, stores, smoke=smoke):
        tell(line)
    searches = ", ".join(dict.fromkeys(wait.sweep for wait in loaded.waits))
    note = f"{len(loaded.held)} trials are left out until their ρ is chosen from results of {searches}."
    return replace(loaded, notes=(*loaded.notes, note))


def describe_waits(sweep: Sweep, stores: Sequence[Path], *, smoke: bool = False) -> list[str]:
    """One line per sweep that is waited for, with the command that runs it."""
    lines = []
    for file in dict.fromkeys(wait.file for wait in sweep.waits):
        waits = [wait for wait in sweep.waits if wait.file == file]
        trials = {trial.trial_id for wait in waits for trial in wait.trials}
        command = f"sambench run {file}{' --smoke' if smoke else ''}"
        command += f" --store {stores[0]}" if list(stores) != DEFAULT_STORES else ""
        counted = f"{len(waits)} ρ choices are waiting" if len(waits) > 1 else "1 ρ choice is waiting"
        lines.append(f"{counted} for {len(trials)} trials of {waits[0].sweep}: {command}")
    if lines:
        lines.append(f"{len(sweep.held)} trials of {sweep.name} can't be planned until then")
    return lines


def read_metric(name: str | None) -> str | None:
    """`--metric`, written in the one way."""
    from bench.board.metric import metric_of
    from bench.errors import UserError

    try:
        return None if name is None else metric_of(name).name
    except UserError as error:
        fail(f"--metric: {error}")


def open_all(stores: Sequence[Path]) -> tuple[Store, ...]:
    """The stores, to be read as one; StoreError if one isn't there."""
    from bench import store

    return store.open(*stores).stores


def open_existing(stores: Sequence[Path]) -> tuple[Store, ...]:
    """The stores, or none if the only one isn't there yet: before the first run nothing is wrong with that."""
    from bench.store import Store

    return () if len(stores) == 1 and not Store.exists(stores[0]) else open_all(stores)


def find_states(stores: Sequence[Path], sweep: Sweep) -> dict[str, State]:
    """Where each trial of the sweep stands."""
    from bench.store import State, states

    ids = [trial.trial_id for trial in sweep.trials]
    if opened := open_existing(stores):
        return states(opened, ids, sweep.retries, prunes=sweep.early_stopping is not None)
    return dict.fromkeys(ids, State(status="missing"))
