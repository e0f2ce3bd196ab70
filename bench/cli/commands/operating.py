"""Commands about running trials, wherever they run: status, watch, logs, cancel."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from click.exceptions import Exit

from bench.cli import interrupts
from bench.cli.changed import changed
from bench.cli.loading import find_states, load_ready, open_all
from bench.cli.options import (
    DEFAULT_STORES,
    MaxTrialsOption,
    SetOption,
    SmokeOption,
    StoreOption,
    StoresOption,
    SweepArgument,
    TrialsArgument,
    WhereOption,
)
from bench.cli.render.terminal import fail, show, tell
from bench.cli.signature import Option, command
from bench.cli.trials import describe_earlier, named_trials, with_earlier_results
from bench.errors import counted
from bench.escape import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bench.store import Store, TrialFolder
    from bench.sweep import Sweep

_LOOK = 0.5
"""Seconds between two looks at a log that is followed."""


@command(example="sambench status sweeps/demo.yaml")
def status(
    sweep: SweepArgument,
    store: StoresOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
) -> None:
    """Show a sweep's progress: counts, what is running where, what failed and why."""
    loaded = load_ready(sweep, set_, store, smoke=smoke, max_trials=max_trials, where=where)
    rendered, _ = _status(loaded, store, whole=not where)
    show(rendered)


@command(example="sambench watch sweeps/demo.yaml --every 5")
def watch(
    sweep: SweepArgument,
    store: StoresOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
    every: Annotated[float, Option(low=0.5, help="Seconds between updates.", metavar="SECONDS")] = 2.0,
) -> None:
    """Show the status until every trial has ended; Ctrl-C leaves the trials running."""
    from rich.live import Live

    from bench.cli.render.console import out

    loaded = load_ready(sweep, set_, store, smoke=smoke, max_trials=max_trials, where=where)
    rendered, over = _status(loaded, store, whole=not where)
    interrupts.catch()
    try:
        with Live(rendered, console=out, auto_refresh=False) as live:
            while not over:
                time.sleep(every)
                rendered, over = _status(loaded, store, whole=not where)
                live.update(rendered, refresh=True)
    except KeyboardInterrupt:
        raise Exit(130) from None


@command(example="sambench logs 3f2a --follow")
def logs(
    what: TrialsArgument,
    store: StoresOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
    follow: Annotated[bool, Option("--follow", "-f", help="Keep printing until the trial's attempt ends.")] = False,
) -> None:
    """Print the log of one trial or of a whole sweep: epochs, and the traceback of a failure."""
    opened = open_all(store)
    labels = named_trials(what, lambda: opened, store, set_, where, smoke=smoke, max_trials=max_trials)
    if follow and len(labels) > 1:
        fail(f"--follow: only for one trial, and these are {len(labels)}; choose one with --where")
    _print_logs(opened, labels, follow=follow)


@command(example="sambench cancel sweeps/demo.yaml --where variant=sam")
def cancel(
    what: TrialsArgument,
    store: StoreOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
) -> None:
    """Stop running trials after a checkpoint and keep waiting ones from starting; `run` resumes them."""
    from bench.store import Store
    from bench.store import cancel as cancel_trials
    from cluster.on_slurm.view import cancel_elements

    def opening() -> list[Store]:
        return [Store.open_to_write(store[0])]

    ids = list(named_trials(what, opening, store, set_, where, smoke=smoke, max_trials=max_trials))
    (opened,) = opening()
    stopped, waiting = cancel_trials(opened, ids)
    elements = cancel_elements(opened, ids)
    tell(f"{counted(stopped, 'running trial', 'stops', 'stop')} after the next step, {waiting} waiting won't start")
    if elements:
        tell(f"{counted(elements, 'job')} removed from SLURM's queue")


def _status(sweep: Sweep, stores: Sequence[Path], *, whole: bool) -> tuple[RenderableType, bool]:
    """What to show, and whether it won't change any more; `whole`: the sweep has all trials of its file."""
    from bench.board import weak_steps
    from bench.board.board import read_results
    from bench.cli.render import overview
    from cluster.on_slurm.view import hints

    opened = open_all(stores)
    found = find_states(stores, sweep)
    unfinished = [trial_id for trial_id, state in found.items() if state.status in ("missing", "running")]
    told = [line for store in opened for line in hints(store, found.keys(), unfinished)]
    told += changed(opened, sweep, found) if whole else ()
    told += describe_earlier(with_earlier_results(stores, sweep, found))
    told += weak_steps.remarks(sweep.trials, read_results(opened, sweep.trials, [])) if opened else ()
    return overview.status(sweep, found, told), not unfinished


def _print_logs(stores: Sequence[Store], labels: Mapping[str, str], *, follow: bool) -> None:
    """The log of each trial, from the store that its state is told from; of several under their labels."""
    from bench.store import states

    for trial_id, state in states(stores, labels).items():
        assert state.store is not None, "stores were asked"
        folder = state.store.folder(trial_id)
        there = folder.log.exists() or follow
        if len(labels) > 1:
            print(f"{trial_id} {labels[trial_id]}{'' if there else ': no log yet'}")
        elif not there:
            fail(f"trial {trial_id} has no log yet: no worker has started it")
        if there:
            _print_log(state.store, folder, follow=follow)


def _print_log(store: Store, folder: TrialFolder, *, follow: bool) -> None:
    from bench.store import open_attempt
    from bench.store.folder import log_of

    while follow and not folder.log.exists():
        time.sleep(_LOOK)
    with log_of(folder) as log:
        while True:
            # Looked at before the log is read, so that its last lines aren't missed.
            running = open_attempt(store, folder) is not None
            sys.stdout.write(visible(log.read()))
            sys.stdout.flush()
            if not follow or not running:
                return
            time.sleep(_LOOK)
