"""Launching: run a sweep's missing trials and report the result."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from click.exceptions import Exit

from bench.cli import interrupts
from bench.cli.loading import find_states
from bench.cli.render.terminal import fail, tell, write
from bench.cli.trials import describe_earlier, done_by_other_code, with_earlier_results
from bench.cores import look, warning
from bench.errors import MachineFault, counted, machine_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.store import State, Store
    from bench.sweep import Sweep
    from bench.sweep.plugin_use import PluginName
    from cluster.driver import Drive
    from cluster.job import Job


def launch_sweep(
    loaded: Sweep,
    asked: Job,
    *,
    retry_failed: bool,
    again: bool = False,
    dry_run: bool,
) -> bool:
    """Run what is missing of one sweep, as `asked` but for what the sweep itself asks for; whether a trial failed."""
    from bench.cli.render.console import err
    from bench.store import Store, set_aside_damaged
    from bench.store.upkeep.again import supersede
    from bench.store.upkeep.workspace import remove_left
    from bench.sweep.checks.preflight import preflight
    from bench.sweep.code import describe
    from bench.sweep.plugin_use import named
    from cluster.driver import Drive
    from cluster.launcher import LAUNCHERS

    if loaded.early_stopping and not LAUNCHERS[asked.launcher].prunes:
        tell(f"early_stopping: --on {asked.launcher} runs every trial to its end")
    LAUNCHERS[asked.launcher].load()().check(asked)
    for note in (*preflight(loaded), *loaded.notes):
        tell(note)
    opened = Store.create(asked.store)
    record_plugins(opened, named((*loaded.trials, *loaded.held), loaded.measures))
    found = find_states([asked.store], loaded)
    others = describe(done_by_other_code([asked.store], loaded, found))
    for line in (*others, *describe_earlier(with_earlier_results([asked.store], loaded, found))):
        tell(line)
    remove_left(opened)
    loaded, foreign = _without_foreign(opened, loaded)
    for path, reason in set_aside_damaged(opened, [trial.trial_id for trial in loaded.trials]).items():
        tell(f"damaged file set aside, its trial runs again: {path}: {reason}")
    interrupts.catch()
    job = replace(asked.of(loaded), store=opened.root)
    drive = Drive(job=job, trials=loaded.trials, console=err, retry_failed=retry_failed)
    if dry_run:
        write(f"{_batch_script(drive)}\n")
        return False
    if told := _crowding(job, len(loaded.trials)):
        tell(told)
    try:
        if again:
            superseded = sum(supersede(opened, trial.trial_id) for trial in loaded.trials)
            tell(f"{counted(superseded, 'done trial', 'is', 'are')} trained again")
        ended = drive.run()
    except KeyboardInterrupt:
        done = sum(state.status == "done" for state in find_states([asked.store], loaded).values())
        tell(f"stopped: {done} of {len(loaded.trials)} trials are done, nothing is lost; resume with:")
        tell(f"  {same_command()}")
        raise Exit(130) from None
    except Exception as error:
        stop_at_fault(error, opened.root)
        raise
    if not LAUNCHERS[job.launcher].queues:
        return _summarize_run(loaded, ended) or foreign
    # Of what is in the queue, the launcher has said so.
    if not retry_failed and all(state.status not in ("missing", "running") for state in ended.values()):
        _summarize_run(loaded, ended)
    return foreign


def _crowding(job: Job, trials: int) -> str | None:
    """A word if the trials on this machine's processor want more cores than are free."""
    if job.launcher not in ("inline", "ray") or job.address or Path("/dev/nvidia0").exists():
        return None
    cores, asked = look(), job.resources
    each = asked.processes_per_node(0)
    most = 1 if job.launcher == "inline" else max(1, cores.allowed // (asked.cpus * each))
    return warning(asked.cpus, each * min(trials, most, asked.max_parallel or most), cores)


def record_plugins(store: Store, names: Sequence[PluginName]) -> None:
    """Keep in the store what the plug-ins say of themselves, for all who read it."""
    from bench.store import declarations
    from bench.sweep.plugin_use import declared, origins

    declarations.write(store, declared(names), origins(names))


def _without_foreign(store: Store, sweep: Sweep) -> tuple[Sweep, bool]:
    """The sweep without the unfinished trials whose folder isn't for this user to write, each named; whether any is."""
    obstacles = {}
    for trial in sweep.trials:
        if obstacle := store.folder(trial.trial_id).obstacle(to_write=True):
            obstacles[trial.trial_id] = obstacle
    if not obstacles:
        return sweep, False
    found = find_states([store.root], sweep)
    left = [trial for trial in sweep.trials if trial.trial_id in obstacles and found[trial.trial_id].status != "done"]
    for trial in left:
        tell(f"left out: {trial.trial_id} {trial.label}: {obstacles[trial.trial_id]}")
    return replace(sweep, trials=tuple(trial for trial in sweep.trials if trial not in left)), bool(left)


def stop_at_fault(error: Exception, store: Path) -> None:
    """MachineFault with the way on, if the machine is at fault for an error."""
    fault = machine_fault(error, store)
    if fault:
        message = f"stopped by a fault of the machine: {fault}; nothing is lost; when that is fixed, resume with:"
        raise MachineFault(f"{message}\n  {same_command()}") from error


def same_command() -> str:
    """What the user typed, to be typed again; what was to be trained again is no longer done."""
    return f"sambench {shlex.join(word for word in sys.argv[1:] if word != '--again')}"


def _summarize_run(sweep: Sweep, found: dict[str, State]) -> bool:
    """Tell how it ended; whether a trial failed."""
    counts = Counter(state.status for state in found.values())
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    tell(f"{sweep.name}: {counted(len(found), 'trial')}: {told}")
    if counts["failed"]:
        tell(f"see why with `sambench status {sweep.file}`; retry with --retry failed")
    return counts["failed"] > 0


def _batch_script(drive: Drive) -> str:
    from cluster.on_slurm.launcher import SlurmLauncher

    if drive.job.launcher != "slurm":
        fail("--dry-run: only --on slurm has a batch script to print")
    todo = drive.todo()
    if not todo.trials:
        fail("nothing is left to run, so there is no batch script")
    return SlurmLauncher().text(drive.job, todo)
