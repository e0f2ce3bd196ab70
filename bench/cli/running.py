"""Commands that begin things: plan, run, doctor."""

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
    from bench.estimate import Estimate
    from bench.spec import Sweep
    from bench.store import State
    from cluster.driver import Drive


@app.command(epilog="Example: sambench plan sweeps/demo.yaml --json")
def plan(
    sweep: SweepArgument,
    store: StoreOption = DEFAULT_STORE,
    set_: SetOption = None,
    probe: Annotated[bool, typer.Option("--probe", help="Measure a few steps of each kind of trial.")] = False,
    data_root: DataRootOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the trials of a sweep, which are done, missing or failed, and the time they need; starts nothing."""
    from bench import overview

    loaded = load_sweep(sweep, set_)
    found = find_states(store, loaded)
    left = _estimate(loaded, found, store, probe=probe)
    if as_json:
        print(json.dumps(overview.as_json(loaded, found, left), indent=1))
    else:
        show(overview.plan(loaded, found, left))


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


@app.command(epilog="Example: sambench doctor")
def doctor(store: StoreOption = DEFAULT_STORE) -> None:
    """Check this machine: Python, torch, device, Ray, SLURM, write access, clashing packages."""
    from bench.doctor import examine, render

    findings = examine(store)
    show(render(findings))
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def _estimate(sweep: Sweep, found: dict[str, State], folder: Path, *, probe: bool) -> Estimate:
    from bench.estimate import estimate, measured
    from bench.preflight import preflight
    from bench.store import Store

    left = [trial for trial in sweep.trials if found[trial.trial_id].status not in ("done", "failed")]
    paces = measured(Store.open(folder)) if Store.exists(folder) and left else {}
    if not probe:
        return estimate(left, paces)
    preflight(sweep)
    from cluster.probe import probe as measure_steps

    return estimate(left, paces, measure_steps)


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
