"""Commands about trials under way, wherever they run: status, watch, logs, cancel."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.app import app
from bench.cli.options import DEFAULT_STORE, SetOption, SmokeOption, StoreOption, SweepArgument, find_states, load_ready
from bench.terminal import fail, out, show, tell

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bench.spec import Sweep
    from bench.store import Store, TrialFolder

_LOOK = 0.5
"""Seconds between two looks at a log that is followed."""


@app.command(epilog="Example: sambench status sweeps/demo.yaml")
def status(
    sweep: SweepArgument, store: StoreOption = DEFAULT_STORE, set_: SetOption = None, smoke: SmokeOption = False
) -> None:
    """Show how a sweep's trials stand: counts, what runs where and how far it is, what failed and why."""
    rendered, _ = _status(load_ready(sweep, set_, store, smoke=smoke), store)
    show(rendered)


@app.command(epilog="Example: sambench watch sweeps/demo.yaml --every 5")
def watch(
    sweep: SweepArgument,
    store: StoreOption = DEFAULT_STORE,
    set_: SetOption = None,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 2.0,
    smoke: SmokeOption = False,
) -> None:
    """Show the status until every trial is done or failed; Ctrl-C ends the view, not the trials."""
    from rich.live import Live

    loaded = load_ready(sweep, set_, store, smoke=smoke)
    rendered, over = _status(loaded, store)
    try:
        with Live(rendered, console=out, auto_refresh=False) as live:
            while not over:
                time.sleep(every)
                rendered, over = _status(loaded, store)
                live.update(rendered, refresh=True)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@app.command(epilog="Example: sambench logs 3f2a --follow")
def logs(
    trial: Annotated[str, typer.Argument(metavar="TRIAL", help="Trial id or its first characters.")],
    store: StoreOption = DEFAULT_STORE,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the trial's attempt ends.")] = False,
) -> None:
    """Print the log of a trial: its epochs, and the traceback if it failed."""
    from bench.store import Store

    opened = Store.open(store)
    folder = opened.find(trial)
    if not folder.log.exists() and not follow:
        fail(f"trial {folder.trial_id} has no log yet: no worker has started it")
    try:
        _print_log(opened, folder, follow=follow)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@app.command(epilog="Example: sambench cancel sweeps/demo.yaml --where variant=sam")
def cancel(
    what: Annotated[str, typer.Argument(metavar="SWEEP|TRIAL", help="Sweep file, or the first characters of an id.")],
    store: StoreOption = DEFAULT_STORE,
    set_: SetOption = None,
    where: Annotated[list[str] | None, typer.Option(metavar="FIELD=VALUE", help="Only trials that match.")] = None,
) -> None:
    """Stop trials that run, after a checkpoint, and keep the others from starting; `run` takes them up again."""
    from bench.store import Store
    from bench.store import cancel as cancel_trials
    from cluster.queue_view import cancel_elements

    opened = Store.open(store)
    ids = _chosen(opened, store, what, set_, where)
    stopped, waiting = cancel_trials(opened, ids)
    elements = cancel_elements(opened, ids)
    tell(f"{stopped} running trials stop after their next step, {waiting} waiting ones won't start")
    if elements:
        tell(f"{elements} jobs were taken out of SLURM's queue")


def _status(sweep: Sweep, folder: Path) -> tuple[RenderableType, bool]:
    """What to show, and whether it won't change any more."""
    from bench import overview
    from bench.store import Store
    from cluster.queue_view import hints

    store = Store.open(folder)
    found = find_states(folder, sweep)
    unfinished = [trial_id for trial_id, state in found.items() if state.status in ("missing", "running")]
    told = hints(store, found.keys(), unfinished)
    return overview.status(store, sweep, found, told), not unfinished


def _print_log(store: Store, folder: TrialFolder, *, follow: bool) -> None:
    from bench.store import open_attempt

    while follow and not folder.log.exists():
        time.sleep(_LOOK)
    with folder.log.open(encoding="utf-8") as log:
        while True:
            # Looked at before the log is read, so that its last lines aren't missed.
            running = open_attempt(store, folder) is not None
            sys.stdout.write(log.read())
            sys.stdout.flush()
            if not follow or not running:
                return
            time.sleep(_LOOK)


def _chosen(store: Store, folder: Path, what: str, set_: list[str] | None, where: list[str] | None) -> list[str]:
    """Ids of the trials that are meant."""
    from bench.spec.fault import unknown

    named = Path("sweeps") / f"{what}.yaml"
    if not Path(what).exists() and not named.exists():
        return [store.find(what).trial_id]
    trials = load_ready(Path(what), set_, folder).trials
    for condition in where or ():
        field, _, value = condition.partition("=")
        if field not in trials[0].as_dict() | dict(trials[0].settings):
            fail(f"--where {condition}: {unknown('field', field, trials[0].as_dict())}")
        trials = tuple(trial for trial in trials if _shown(trial.as_dict() | dict(trial.settings), field) == value)
    if not trials:
        fail("no trial of the sweep matches --where")
    return [trial.trial_id for trial in trials]


def _shown(values: dict[str, object], field: str) -> str:
    value = values.get(field)
    return f"{value:g}" if isinstance(value, float) else str(value)
