"""The command measure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from click.exceptions import Exit

from bench.cli import interrupts
from bench.cli.launching import record_plugins, same_command, stop_at_fault
from bench.cli.loading import find_states, load_ready
from bench.cli.options import (
    DEFAULT_STORES,
    DataRootOption,
    MaxTrialsOption,
    SetOption,
    SmokeOption,
    StoreOption,
    SweepArgument,
    WhereOption,
)
from bench.cli.render.terminal import fail, tell
from bench.cli.signature import Argument, Option, command
from bench.errors import counted, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.measures.names import Measure
    from bench.store import Store, TrialFolder
    from bench.sweep import Sweep
    from cluster.job import Job
    from cluster.measuring import Taken

_TOLD = {"taken": "taken", "there": "taken by others meanwhile", "inapplicable": "not applicable", "failed": "failed"}


@command(example="sambench measure sweeps/demo.yaml 'sharpness[rho=0.003]' feature_rank")
def measure(
    sweep: SweepArgument,
    measures: Annotated[
        list[str] | None,
        Argument(metavar="MEASURE...", help="Measure, such as `sharpness[rho=0.003]`; default: those the sweep names."),
    ] = None,
    store: StoreOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
    on: Annotated[str, Option("--on", metavar="LAUNCHER", help="`ray` or `inline`.")] = "ray",
    data_root: DataRootOption = None,
    address: Annotated[str | None, Option(metavar="HOST:PORT", help="Ray cluster to use; default: start one.")] = None,
) -> None:
    """Measure a sweep's trained models; skips what is already measured, so it can be stopped at any time."""
    from bench import plugins
    from bench.measures.names import parse
    from bench.store import Store
    from bench.sweep.file.lookup import sweep_file
    from bench.sweep.plugin_use import folder_of, named
    from cluster.job import Job
    from cluster.measuring import MEASURERS, missing

    plugins.import_them()
    with plugins.beside(sweep_file(sweep).parent):
        asked = [parse(text) for text in measures or ()]
    if on not in MEASURERS:
        fail(f"--on: {unknown('way of measuring', on, MEASURERS)}")
    if address is not None and on != "ray":
        fail(f"--address: only for --on ray, not for --on {on}")
    opened = Store.open_to_write(store[0])
    loaded = load_ready(sweep, set_, store, smoke=smoke, max_trials=max_trials, where=where, imports=True)
    wanted = dict.fromkeys(asked or map(parse, loaded.measures))
    states = find_states(store, loaded)
    done = [trial_id for trial_id, state in states.items() if state.status == "done"]
    if len(done) < len(states):
        tell(f"{len(states) - len(done)} of {counted(len(states), 'trial')} not done and can't be measured yet")
    tasks = _fitting(loaded, missing(opened, done, wanted))
    if not tasks:
        tell(f"{loaded.name}: nothing left to measure for {counted(len(done), 'done trial')}")
        return
    bare = _without_weights(opened, tasks)
    able = {trial_id: measures for trial_id, measures in tasks.items() if trial_id not in bare}
    names = named(loaded.trials, [each.name for each in wanted])
    record_plugins(opened, names)
    job = Job(store=opened.root, launcher=on, address=address).of(loaded)
    job = replace(job, modules=folder_of(names, sweep_file(sweep).parent))
    failed = bool(able) and _take(job, loaded, able)
    if bare:
        tell(f"{counted(len(bare), 'trial')} without weights in {opened.root}, which can't be measured:")
        for trial_id in bare:
            tell(f"  {trial_id} {_labels(loaded)[trial_id]}")
    if failed or bare:
        raise Exit(1)


def _fitting(sweep: Sweep, tasks: Mapping[str, tuple[Measure, ...]]) -> dict[str, tuple[Measure, ...]]:
    """The tasks without measures that are of models of another data set, or of another kind of them."""
    from bench.measures.applicable import is_of_other_data

    datasets = {trial.trial_id: trial.dataset for trial in sweep.trials}
    kept = {}
    unfit: Counter[str] = Counter()
    for trial_id, measures in tasks.items():
        own = datasets[trial_id]
        fitting = tuple(each for each in measures if not is_of_other_data(each.entry, own))
        unfit.update(each.name for each in measures if each not in fitting)
        if fitting:
            kept[trial_id] = fitting
    for name, count in unfit.items():
        tell(f"{name}: not defined for this data set; skipped for {counted(count, 'trial')}")
    return kept


def _take(job: Job, sweep: Sweep, tasks: Mapping[str, tuple[Measure, ...]]) -> bool:
    """Take all of the tasks and tell of each; whether one failed."""
    from bench.sweep.checks.preflight import preflight
    from cluster.measuring import take_missing

    names = {measure.name: None for measures in tasks.values() for measure in measures}
    chosen = tuple(trial for trial in sweep.trials if trial.trial_id in tasks)
    preflight(replace(sweep, trials=chosen, measures=tuple(names)))
    interrupts.catch()
    counts: Counter[str] = Counter()
    total = sum(map(len, tasks.values()))
    try:
        for taken in take_missing(job, tasks):
            counts[taken.outcome] += 1
            tell(f"{counts.total()}/{total} {_line(sweep, taken)}")
    except KeyboardInterrupt:
        tell(f"stopped: {counts['taken']} of {total} are taken, nothing is lost; resume with:")
        tell(f"  {same_command()}")
        raise Exit(130) from None
    except Exception as error:
        stop_at_fault(error, job.store)
        raise
    tell(f"{sweep.name}: {', '.join(_outcomes(counts))}")
    return counts["failed"] > 0


def _outcomes(counts: Counter[str]) -> Iterator[str]:
    return (f"{counts[outcome]} {word}" for outcome, word in _TOLD.items() if counts[outcome])


def _line(sweep: Sweep, taken: Taken) -> str:
    subject = f"{taken.trial_id} {_labels(sweep)[taken.trial_id]}"
    if taken.outcome in ("failed", "inapplicable"):
        reason = taken.message.removeprefix(f"{taken.measure.name} ")
        return f"{_TOLD[taken.outcome]}: {subject}: {taken.measure.name}: {reason}"
    value = f" {taken.value:.4g}" if taken.value is not None else " was taken by another process"
    return f"{subject}: {taken.measure.name}{value}"


def _labels(sweep: Sweep) -> dict[str, str]:
    return {trial.trial_id: trial.label for trial in sweep.trials}


def _without_weights(store: Store, tasks: Mapping[str, tuple[Measure, ...]]) -> list[str]:
    return [trial_id for trial_id, measures in tasks.items() if not _can_take(store.folder(trial_id), measures)]


def _can_take(folder: TrialFolder, measures: Sequence[Measure]) -> bool:
    """Whether there is what the measures are taken of."""
    return folder.weights.exists() or (folder.outputs.exists() and all(each.entry.of_outputs for each in measures))
