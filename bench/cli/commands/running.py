"""Commands that plan and run: plan, run, doctor."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from click.exceptions import Exit

from bench.cli.changed import changed
from bench.cli.loading import describe_waits, find_states, load_sweep, open_existing
from bench.cli.options import (
    DEFAULT_STORES,
    DataRootOption,
    JsonOption,
    MaxTrialsOption,
    SetOption,
    SmokeOption,
    StoreOption,
    StoresOption,
    SweepArgument,
    WhereOption,
)
from bench.cli.render.terminal import fail, show, tell
from bench.cli.signature import Option, command
from bench.cli.trials import describe_earlier, done_by_other_code, with_earlier_results
from bench.errors import unknown

if TYPE_CHECKING:
    from bench.estimate import Estimate
    from bench.store import State
    from bench.sweep import Sweep


@command(example="sambench plan sweeps/demo.yaml --json")
def plan(
    sweep: SweepArgument,
    store: StoresOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
    probe: Annotated[
        bool, Option("--probe", help="Time a few steps of each kind of trial for a better estimate.")
    ] = False,
    data_root: DataRootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a sweep would train, what is done and what is left, and how long it takes; starts nothing."""
    from rich.text import Text

    from bench.cli.render import overview
    from bench.sweep.code import describe

    loaded = load_sweep(sweep, set_, store, smoke=smoke, max_trials=max_trials, where=where, planned=True, imports=True)
    found = find_states(store, loaded)
    left = _estimate(loaded, found, store, probe=probe)
    others = done_by_other_code(store, loaded, found)
    earlier = with_earlier_results(store, loaded, found)
    if as_json:
        chosen = {
            "done_by_other_code": len(others),
            "done_under_an_earlier_schema": len(earlier),
            "choices": [choice.as_dict() for choice in loaded.choices],
            "waiting": [wait.as_dict() for wait in loaded.waits],
        }
        print(json.dumps(overview.as_json(loaded, found, left) | chosen, indent=1))
        return
    show(overview.plan(loaded, found, left))
    edited = [] if where else changed(open_existing(store), loaded, found)
    for line in (*describe(others), *describe_earlier(earlier), *edited, *describe_waits(loaded, store, smoke=smoke)):
        show(Text(line, style="yellow"))


@command(example="sambench run sweeps/demo.yaml --retry failed")
def run(
    sweep: SweepArgument,
    store: StoreOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
    on: Annotated[str, Option("--on", metavar="LAUNCHER", help="`ray`, `slurm` or `inline`.")] = "ray",
    retry: Annotated[str | None, Option(metavar="failed", help="Try failed trials again.")] = None,
    again: Annotated[
        bool, Option("--again", help="Retrain done trials; earlier results are kept as superseded.")
    ] = False,
    data_root: DataRootOption = None,
    profile: Annotated[str | None, Option(metavar="NAME", help="Profile with the site's SLURM settings.")] = None,
    profile_file: Annotated[
        Path | None,
        Option(metavar="FILE", help="File with the profiles; default: ~/.config/sambench/profiles.yaml."),
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Print SLURM's batch script and queue nothing.")] = False,
    tensorboard: Annotated[bool, Option("--tensorboard", help="Also write TensorBoard files into the store.")] = False,
    outputs: Annotated[
        bool, Option("--outputs/--no-outputs", help="Keep each model's outputs on the test split.")
    ] = True,
    address: Annotated[str | None, Option(metavar="HOST:PORT", help="Ray cluster to use; default: start one.")] = None,
    with_choices: Annotated[
        bool, Option("--with-choices", help="First run the sweeps from which this one chooses ρ.")
    ] = False,
) -> None:
    """Run a sweep's missing trials; can be stopped and started again at any time."""
    from bench.cli.launching import launch_sweep, same_command
    from bench.sweep.checks.preflight import preflight
    from cluster.job import Job
    from cluster.profile import Profile, load_profile

    on = _launcher(on, sweep)
    if retry not in (None, "failed"):
        fail(f"--retry: {unknown('choice', retry, ['failed'])}")
    for option, value, launcher in (
        ("--address", address, "ray"), ("--profile", profile, "slurm"), ("--profile-file", profile_file, "slurm"),
    ):  # fmt: skip
        if value is not None and on != launcher:
            fail(f"{option}: only for --on {launcher}, not for --on {on}")
    loaded = load_sweep(sweep, set_, store, smoke=smoke, max_trials=max_trials, where=where, planned=True, imports=True)
    asked = Job(
        store=store[0],
        launcher=on,
        profile=load_profile(profile, profile_file) if on == "slurm" else Profile(),
        tensorboard=tensorboard,
        outputs=outputs,
        address=address,
    )
    launch = partial(launch_sweep, asked=asked, retry_failed=retry is not None, dry_run=dry_run)
    while loaded.waits:
        told = "\n".join(describe_waits(loaded, store, smoke=smoke))
        if not with_choices:
            fail(f"{told}\nrun that first, or add --with-choices")
        # Also what waits, so that nothing is found to be missing after a long search.
        preflight(replace(loaded, trials=(*loaded.trials, *loaded.held)))
        files = dict.fromkeys(wait.file for wait in loaded.waits)
        for file in files:
            launch(load_sweep(file, None, store, smoke=smoke, max_trials=max_trials, planned=True, imports=True))
        loaded = load_sweep(
            sweep, set_, store, smoke=smoke, max_trials=max_trials, where=where, planned=True, imports=True
        )
        if files.keys() & {wait.file for wait in loaded.waits}:
            # Queued, cancelled or not to be run at all: it can only be waited for.
            if loaded.trials and not dry_run:
                launch(loaded, again=again)
            tell("\n".join(describe_waits(loaded, store, smoke=smoke)))
            tell(f"when these are done, continue with:\n  {same_command()}")
            return
    if launch(loaded, again=again):
        raise Exit(1)


@command(example="sambench doctor")
def doctor(store: StoreOption = DEFAULT_STORES) -> None:
    """Check that this machine can run sweeps: Python, torch, devices, Ray, SLURM, store."""
    from bench.cli.commands.doctor import examine, render

    findings = examine(store[0])
    show(render(findings))
    raise Exit(0 if all(finding.ok for finding in findings) else 1)


def _launcher(name: str, sweep: Path) -> str:
    """The launcher's one name; it may be a user's own, beside the sweep."""
    from bench import plugins
    from bench.plugins.kinds import PluginError
    from bench.sweep.file.lookup import sweep_file
    from cluster.launcher import LAUNCHERS

    plugins.import_them()
    with plugins.beside(sweep_file(sweep).parent):
        try:
            return LAUNCHERS.canonical(name)
        except KeyError:
            fail(f"--on: {unknown('launcher', name, LAUNCHERS)}")
        except PluginError as error:
            fail(f"--on: {error}")


def _estimate(sweep: Sweep, found: dict[str, State], stores: list[Path], *, probe: bool) -> Estimate:
    from bench.estimate import estimate, measured
    from bench.sweep.checks.preflight import preflight

    left = [trial for trial in sweep.trials if found[trial.trial_id].status not in ("done", "pruned", "failed")]
    opened = open_existing(stores) if left else ()
    paces = measured(opened) if opened else {}
    if not probe:
        return estimate(left, paces)
    preflight(sweep)
    from cluster.work.probe import probe as measure_steps

    return estimate(left, paces, measure_steps)
