"""Loading: a sweep, its stores and its states, given a command's options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from click.exceptions import Exit

from bench.cli.options import DEFAULT_STORES
from bench.cli.render.terminal import fail, tell
from bench.errors import counted

if TYPE_CHECKING:
    from bench.plugins import Recorded
    from bench.store import State, Store
    from bench.sweep import Chooser, Sweep


def load_sweep(
    sweep: Path,
    overrides: list[str] | None,
    stores: Sequence[Path],
    *,
    smoke: bool = False,
    max_trials: int | None = None,
    where: list[str] | None = None,
    planned: bool = False,
    imports: bool = False,
) -> Sweep:
    """The sweep's trials that `where` asks for, every ρ chosen by results in `stores`; what waits is in `waits`.

    What is `planned` is checked for all that would fail when it is trained. `imports`: plug-ins are imported, else what
    the stores have recorded of them is enough.
    """
    from bench import plugins
    from bench.sweep import MAX_TRIALS, load
    from bench.sweep.file.lookup import sweep_file
    from bench.sweep.select import where as select
    from bench.sweep.smoke import smoke as shrink

    if imports:
        plugins.import_them()
    else:
        import_nothing(stores)
    loaded = load(
        sweep_file(sweep),
        _pairs(overrides or ()),
        _chooser(stores, smoke=smoke),
        max_trials=max_trials or MAX_TRIALS,
        recorded=lambda name: _recorded(stores, name),
        planned=planned,
    )
    return select(shrink(loaded) if smoke else loaded, where or ())


def import_nothing(stores: Sequence[Path]) -> None:
    """From now on what the stores have recorded of plug-ins is all that is known of them."""
    from bench import plugins

    plugins.take_recorded(cache(lambda: _declared(stores)))


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


def _declared(stores: Sequence[Path]) -> list[Recorded]:
    """What plug-ins said of themselves when they were used."""
    from bench.store import declarations

    return declarations.read(open_existing(stores))


def load_ready(
    sweep: Path,
    overrides: list[str] | None,
    stores: Sequence[Path],
    *,
    smoke: bool = False,
    max_trials: int | None = None,
    where: list[str] | None = None,
    imports: bool = False,
) -> Sweep:
    """The sweep as far as its choices are made; what it waits for is said, and ends the command if that is all."""
    loaded = load_with_notes(sweep, overrides, stores, smoke=smoke, max_trials=max_trials, where=where, imports=imports)
    if not loaded.trials:
        raise Exit(0)
    return loaded


def load_with_notes(
    sweep: Path,
    overrides: list[str] | None,
    stores: Sequence[Path],
    *,
    smoke: bool = False,
    max_trials: int | None = None,
    where: list[str] | None = None,
    imports: bool = False,
) -> Sweep:
    """The sweep as far as its choices are made, which may be no trial; what it waits for is said and in its notes."""
    loaded = load_sweep(sweep, overrides, stores, smoke=smoke, max_trials=max_trials, where=where, imports=imports)
    if not loaded.waits:
        return loaded
    for line in describe_waits(loaded, stores, smoke=smoke):
        tell(line)
    searches = ", ".join(dict.fromkeys(wait.sweep for wait in loaded.waits))
    held = counted(len(loaded.held), "trial", "is", "are")
    note = f"{held} left out until their ρ is chosen from results of {searches}."
    return replace(loaded, notes=(*loaded.notes, note))


def load_several(
    sweeps: Sequence[Path],
    overrides: list[str] | None,
    stores: Sequence[Path],
    *,
    smoke: bool = False,
    max_trials: int | None = None,
    where: list[str] | None = None,
) -> list[Sweep]:
    """The sweeps that have trials, each with what is to be said of it."""
    loaded = [
        load_with_notes(each, overrides, stores, smoke=smoke, max_trials=max_trials, where=where) for each in sweeps
    ]
    return [sweep for sweep in loaded if sweep.trials]


def describe_waits(sweep: Sweep, stores: Sequence[Path], *, smoke: bool = False) -> list[str]:
    """One line per sweep that is waited for, with the command that runs it."""
    from bench.store.remote import address_of

    lines = []
    for file in dict.fromkeys(wait.file for wait in sweep.waits):
        waits = [wait for wait in sweep.waits if wait.file == file]
        trials = {trial.trial_id for wait in waits for trial in wait.trials}
        command = f"sambench run {file}{' --smoke' if smoke else ''}"
        command += f" --store {address_of(stores[0]) or stores[0]}" if list(stores) != DEFAULT_STORES else ""
        waiting, wanted = counted(len(waits), "ρ choice", "is", "are"), counted(len(trials), "trial")
        lines.append(f"{waiting} waiting for {wanted} of {waits[0].sweep}: {command}")
    if lines:
        lines.append(f"{counted(len(sweep.held), 'trial')} of {sweep.name} can't be planned until then")
    return lines


def open_all(stores: Sequence[Path]) -> tuple[Store, ...]:
    """The stores, to be read as one; StoreError if one isn't there."""
    from bench import store

    return store.open(*stores).stores


def open_existing(stores: Sequence[Path]) -> tuple[Store, ...]:
    """The stores, or none if the only one isn't there yet: before the first run nothing is wrong with that."""
    from bench.store import Store
    from bench.store.store import refuse_file

    if len(stores) == 1 and not Store.exists(stores[0]):
        refuse_file(stores[0])
        return ()
    return open_all(stores)


def find_states(stores: Sequence[Path], sweep: Sweep) -> dict[str, State]:
    """Where each trial of the sweep stands."""
    from bench.store import State, states

    ids = [trial.trial_id for trial in sweep.trials]
    if opened := open_existing(stores):
        return states(opened, ids, sweep.retries, prunes=sweep.early_stopping is not None)
    return dict.fromkeys(ids, State(status="missing"))
