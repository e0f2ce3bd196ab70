"""Commands about trials: plan, run, status, logs, doctor."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.app import app
from bench.cli.options import (
    DEFAULT_STORE,
    DataRootOption,
    SetOption,
    StoreOption,
    SweepArgument,
    find_states,
    load_sweep,
)
from bench.terminal import err, fail, show, tell

if TYPE_CHECKING:
    from bench.spec import Sweep
    from bench.store import State
    from cluster.driver import Drive


@app.command(epilog="Example: sambench plan sweeps/demo.yaml --json")
def plan(
    sweep: SweepArgument,
    store: StoreOption = DEFAULT_STORE,
    set_: SetOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the trials of a sweep and which are done, missing or failed; starts nothing."""
    from bench import overview

    loaded = load_sweep(sweep, set_)
    found = find_states(store, loaded)
    if as_json:
        print(json.dumps(overview.as_json(loaded, found), indent=1))
    else:
        show(overview.plan(loaded, found))


@app.command(epilog="Example: sambench run sweeps/demo.yaml --retry failed")
def run(
    sweep: SweepArgument,
    store: StoreOption = DEFAULT_STORE,
    set_: SetOption = None,
    on: Annotated[str, typer.Option("--on", help="Launcher: `ray`, `slurm` or `inline`.")] = "ray",
    retry: Annotated[str | None, typer.Option(help="`failed`: try failed trials once more.")] = None,
    data_root: DataRootOption = None,
    profile: Annotated[str | None, typer.Option(help="Site settings for SLURM, by name.")] = None,
    profile_file: Annotated[Path | None, typer.Option(help="Default: ~/.config/sambench/profiles.yaml.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print SLURM's batch script, queue nothing.")] = False,
    tensorboard: Annotated[bool, typer.Option(help="Write TensorBoard files into the store as well.")] = False,
) -> None:
    """Run what is missing of a sweep; may be stopped and started again at any time."""
    from bench.preflight import preflight
    from bench.profile import Profile, load_profile
    from bench.spec.fault import unknown
    from bench.store import Store, set_aside_damaged
    from cluster.driver import Drive
    from cluster.launcher import LAUNCHERS

    if on not in LAUNCHERS:
        fail(f"--on: {unknown('launcher', on, LAUNCHERS)}")
    if retry not in (None, "failed"):
        fail(f"--retry: {unknown('choice', retry, ['failed'])}")
    loaded = load_sweep(sweep, set_)
    site = load_profile(profile, profile_file) if on == "slurm" else Profile()
    preflight(loaded)
    for note in loaded.notes:
        tell(note)
    opened = Store.create(store)
    for path, reason in set_aside_damaged(opened, [trial.trial_id for trial in loaded.trials]).items():
        tell(f"damaged, set aside, its trial runs again: {path}: {reason}")
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    drive = Drive(
        store=opened,
        trials=loaded.trials,
        labels={trial.trial_id: trial.label for trial in loaded.trials},
        resources=loaded.resources,
        launcher=on,
        retries=loaded.retries,
        retry_failed=retry == "failed",
        sweep=loaded.name,
        profile=site,
        tensorboard=tensorboard,
        console=err,
    )
    if dry_run:
        print(_batch_script(drive))
        return
    try:
        found = drive.run()
    except KeyboardInterrupt:
        done = sum(state.status == "done" for state in find_states(store, loaded).values())
        tell(f"stopped: {done} of {len(loaded.trials)} trials are done, nothing is lost; go on with:")
        tell(f"  sambench {' '.join(sys.argv[1:])}")
        raise typer.Exit(130) from None
    if not LAUNCHERS[on].traits.get("queues"):
        _summarize_run(loaded, found)


@app.command(epilog="Example: sambench status sweeps/demo.yaml")
def status(sweep: SweepArgument, store: StoreOption = DEFAULT_STORE, set_: SetOption = None) -> None:
    """Show how a sweep's trials stand: counts, what runs where, what failed and why."""
    from bench import overview
    from bench.store import Store

    loaded = load_sweep(sweep, set_)
    show(overview.status(Store.open(store), loaded, find_states(store, loaded)))


@app.command(epilog="Example: sambench logs 3f2a")
def logs(
    trial: Annotated[str, typer.Argument(metavar="TRIAL", help="Trial id or its first characters.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Print the log of a trial: its epochs, and the traceback if it failed."""
    from bench.store import Store

    folder = Store.open(store).find(trial)
    if not folder.log.exists():
        fail(f"trial {folder.trial_id} has no log yet: no worker has started it")
    sys.stdout.write(folder.log.read_text(encoding="utf-8"))


@app.command(epilog="Example: sambench doctor")
def doctor(store: StoreOption = DEFAULT_STORE) -> None:
    """Check this machine: Python, torch, device, Ray, SLURM, write access, clashing packages."""
    from bench.doctor import examine, render

    findings = examine(store)
    show(render(findings))
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def _summarize_run(sweep: Sweep, found: dict[str, State]) -> None:
    counts = Counter(state.status for state in found.values())
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    tell(f"{sweep.name}: {len(found)} trials: {told}")
    if counts["failed"]:
        tell(f"see why with `sambench status {sweep.file}`; try again with --retry failed")
        raise typer.Exit(1)


def _batch_script(drive: Drive) -> str:
    from cluster.slurm import SlurmLauncher

    if drive.launcher != "slurm":
        fail("--dry-run: prints a batch script, which only --on slurm has")
    todo = drive.todo()
    if not todo:
        fail("nothing is left to run, so there is no batch script")
    return SlurmLauncher().text(drive.job({}, todo))
