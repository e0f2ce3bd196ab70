"""What commands share: their options, and how a sweep and its states are loaded."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.terminal import fail, tell

if TYPE_CHECKING:
    from bench.spec import Chooser, Sweep
    from bench.store import State

SweepArgument = Annotated[
    Path, typer.Argument(metavar="SWEEP", help="Sweep file; `demo` is short for `sweeps/demo.yaml`.")
]
StoreOption = Annotated[Path, typer.Option("--store", envvar="SAMBENCH_STORE", help="Folder of the results.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Replace a field of the sweep, such as `seed=1`."),
]
SmokeOption = Annotated[
    bool, typer.Option("--smoke", help="The sweep shrunk to seconds on a CPU: random tiny images, one epoch.")
]
DEFAULT_STORE = Path("store")


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


def load_sweep(sweep: Path, overrides: list[str] | None, store: Path = DEFAULT_STORE, *, smoke: bool = False) -> Sweep:
    """The sweep, every ρ that it chooses taken from the results in `store`; what waits for results is in `waits`."""
    from bench.smoke import smoke as shrink
    from bench.spec import load

    named = Path("sweeps") / f"{sweep}.yaml"
    file = named if not sweep.exists() and not sweep.suffix and named.exists() else sweep
    pairs = [text.partition("=") for text in overrides or ()]
    for field, equals, _ in pairs:
        if not equals or not field:
            fail(f"--set {field}: write FIELD=VALUE, such as --set seed=1")
    loaded = load(file, {field: value for field, _, value in pairs}, _chooser(store, smoke=smoke))
    return shrink(loaded) if smoke else loaded


def _chooser(store: Path, *, smoke: bool) -> Chooser:
    """The chooser of `store`, made when a sweep first asks for it: most never do, and it takes its time to import."""

    @cache
    def made() -> Chooser:
        from bench.board.choose import StoreChooser
        from bench.smoke import twins

        return StoreChooser(store, twins if smoke else None)

    return lambda search, trials, by: made()(search, trials, by)


def load_ready(sweep: Path, overrides: list[str] | None, store: Path, *, smoke: bool = False) -> Sweep:
    """The sweep as far as its choices are made; what it waits for is said, and ends the command if that is all."""
    loaded = load_sweep(sweep, overrides, store, smoke=smoke)
    for line in waits_told(loaded, store, smoke=smoke):
        tell(line)
    if not loaded.trials:
        raise typer.Exit(0)
    return loaded


def waits_told(sweep: Sweep, store: Path, *, smoke: bool = False) -> list[str]:
    """One line per sweep that is waited for, with the command that runs it."""
    lines = []
    for file in dict.fromkeys(wait.file for wait in sweep.waits):
        waits = [wait for wait in sweep.waits if wait.file == file]
        trials = {trial.trial_id for wait in waits for trial in wait.trials}
        command = f"sambench run {file}{' --smoke' if smoke else ''}"
        command += f" --store {store}" if store != DEFAULT_STORE else ""
        counted = f"{len(waits)} choice{'s' if len(waits) > 1 else ''} of ρ"
        lines.append(f"{counted} wait for {len(trials)} trials of {waits[0].sweep}: {command}")
    if lines:
        lines.append(f"{len(sweep.held)} trials of {sweep.name} can't be planned until then")
    return lines


def find_states(store: Path, sweep: Sweep) -> dict[str, State]:
    from bench.store import State, Store, states

    if not Store.exists(store):
        return {trial.trial_id: State(status="missing") for trial in sweep.trials}
    ids = [trial.trial_id for trial in sweep.trials]
    return states(Store.open(store), ids, sweep.retries, prunes=sweep.early_stopping is not None)
