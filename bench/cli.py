"""The command `sambench`.

torch and ray take seconds to import, so each is imported by what needs it: `--help`, `plan`, `status`, `query`,
`board` and `logs` never do.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import UserError
from bench.terminal import emit, err, fail, show, tell

if TYPE_CHECKING:
    from bench.spec import Sweep
    from bench.store import State

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Benchmark sharpness-aware minimization: plan a sweep, run it, read the board.",
    epilog="Example: sambench run sweeps/demo.yaml && sambench board sweeps/demo.yaml",
)


class BoardFormat(StrEnum):
    terminal = "terminal"
    markdown = "markdown"
    csv = "csv"


SweepArgument = Annotated[
    Path, typer.Argument(metavar="SWEEP", help="Sweep file; `demo` is short for `sweeps/demo.yaml`.")
]
StoreOption = Annotated[Path, typer.Option("--store", envvar="SAMBENCH_STORE", help="Folder of the results.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Replace a field of the sweep, such as `seed=1`."),
]
DEFAULT_STORE = Path("store")


@app.command(epilog="Example: sambench plan sweeps/demo.yaml --json")
def plan(
    sweep: SweepArgument,
    store: StoreOption = DEFAULT_STORE,
    set_: SetOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the trials of a sweep and which are done, missing or failed; starts nothing."""
    from bench import overview

    loaded = _load(sweep, set_)
    found = _states(store, loaded)
    if as_json:
        print(json.dumps(overview.as_json(loaded, found), indent=1))
    else:
        show(overview.plan(loaded, found))


@app.command(epilog="Example: sambench run sweeps/demo.yaml --retry failed")
def run(
    sweep: SweepArgument,
    store: StoreOption = DEFAULT_STORE,
    set_: SetOption = None,
    on: Annotated[str, typer.Option("--on", help="Launcher: `ray` or `inline`.")] = "ray",
    retry: Annotated[str | None, typer.Option(help="`failed`: try failed trials once more.")] = None,
) -> None:
    """Run what is missing of a sweep; may be stopped and started again at any time."""
    from bench.spec.fault import unknown
    from bench.store import Store, set_aside_damaged
    from cluster.driver import Drive
    from cluster.launcher import LAUNCHERS

    if on not in LAUNCHERS:
        fail(f"--on: {unknown('launcher', on, LAUNCHERS)}")
    if retry not in (None, "failed"):
        fail(f"--retry: {unknown('choice', retry, ['failed'])}")
    loaded = _load(sweep, set_)
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
        retry_failed=retry == "failed",
        console=err,
    )
    try:
        found = drive.run()
    except KeyboardInterrupt:
        done = sum(state.status == "done" for state in _states(store, loaded).values())
        tell(f"stopped: {done} of {len(loaded.trials)} trials are done, nothing is lost; go on with:")
        tell(f"  sambench {' '.join(sys.argv[1:])}")
        raise typer.Exit(130) from None
    _summarize_run(loaded, found)


@app.command(epilog="Example: sambench status sweeps/demo.yaml")
def status(sweep: SweepArgument, store: StoreOption = DEFAULT_STORE, set_: SetOption = None) -> None:
    """Show how a sweep's trials stand: counts, what runs where, what failed and why."""
    from bench import overview
    from bench.store import Store

    loaded = _load(sweep, set_)
    show(overview.status(Store.open(store), loaded, _states(store, loaded)))


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


@app.command(epilog="Example: sambench board sweeps/demo.yaml --format markdown --output out/demo.md")
def board(
    sweep: SweepArgument,
    store: StoreOption = DEFAULT_STORE,
    set_: SetOption = None,
    metric: Annotated[str | None, typer.Option(help="Measure to show; default: the sweep's first.")] = None,
    format_: Annotated[BoardFormat, typer.Option("--format", help="How to print it.")] = BoardFormat.terminal,
    output: Annotated[Path | None, typer.Option(help="File to write instead of printing.")] = None,
) -> None:
    """Print the leaderboard of a sweep: mean ± std over seeds, all beside only_norm."""
    from bench.board import make_board, render
    from bench.store import Store

    chosen = _metric(metric)
    made = make_board(Store.open(store), _load(sweep, set_), chosen)
    if format_ is BoardFormat.terminal and output is None:
        show(render.terminal(made))
        return
    text = render.as_csv(made) if format_ is BoardFormat.csv else render.markdown(made)
    emit(text, output)


@app.command(epilog="Example: sambench plot sweeps/demo.yaml --output out/demo.png --output out/demo.svg")
def plot(
    sweep: SweepArgument,
    store: StoreOption = DEFAULT_STORE,
    set_: SetOption = None,
    metric: Annotated[str | None, typer.Option(help="Measure to show; default: the sweep's first.")] = None,
    output: Annotated[list[Path] | None, typer.Option(help="File.png, .svg or .pdf; may be repeated.")] = None,
) -> None:
    """Plot accuracy over ρ for each scope, with a band of one std."""
    from bench.board import make_board
    from bench.board.plot import FORMATS, plot_rho
    from bench.spec.fault import unknown
    from bench.store import Store

    loaded = _load(sweep, set_)
    outputs = output or [Path("out") / f"{loaded.name}.png"]
    for path in outputs:
        if path.suffix.removeprefix(".") not in FORMATS:
            fail(f"--output {path}: {unknown('format', path.suffix.removeprefix('.'), FORMATS)}")
    chosen = _metric(metric)
    made = make_board(Store.open(store), loaded, chosen)
    if made.empty:
        tell(f"nothing to plot yet: no trial of {loaded.name} is done")
        return
    plot_rho(made, outputs)
    for path in outputs:
        tell(f"wrote {path}")


@app.command(epilog='Example: sambench query "SELECT model, avg(test_accuracy) FROM results GROUP BY ALL"')
def query(
    sql: Annotated[str, typer.Argument(metavar="SELECT", help="One SELECT statement.")],
    store: StoreOption = DEFAULT_STORE,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of rows.")] = False,
    parquet: Annotated[Path | None, typer.Option("--parquet", help="Write a Parquet file.")] = None,
) -> None:
    """Ask the store in SQL. Tables: trials, attempts, history, measures, results."""
    from bench import overview
    from bench.store import Store
    from bench.store import query as answer

    table = answer(Store.open(store), sql)
    if parquet is not None:
        import pyarrow.parquet as pq

        parquet.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, parquet)
    elif csv:
        overview.write_csv(table, sys.stdout)
    elif as_json:
        print(json.dumps(table.to_pylist(), indent=1, default=str))
    else:
        show(overview.rows(table))


@app.command(epilog="Example: sambench doctor")
def doctor(store: StoreOption = DEFAULT_STORE) -> None:
    """Check this machine: Python, torch, device, Ray, SLURM, write access, clashing packages."""
    from bench.doctor import examine, render

    findings = examine(store)
    show(render(findings))
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def main() -> None:
    """Run the command; bad input ends with exit code 2 and one message, not a traceback."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    try:
        app()
    except UserError as error:
        fail(str(error))
    except BrokenPipeError:
        # `sambench query … | head` closes the pipe early, which is no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _load(sweep: Path, overrides: list[str] | None) -> Sweep:
    from bench.spec import load

    named = Path("sweeps") / f"{sweep}.yaml"
    file = named if not sweep.exists() and not sweep.suffix and named.exists() else sweep
    pairs = [text.partition("=") for text in overrides or ()]
    for field, equals, _ in pairs:
        if not equals or not field:
            fail(f"--set {field}: write FIELD=VALUE, such as --set seed=1")
    return load(file, {field: value for field, _, value in pairs})


def _states(store: Path, sweep: Sweep) -> dict[str, State]:
    from bench.store import State, Store, states

    if not Store.exists(store):
        return {trial.trial_id: State(status="missing") for trial in sweep.trials}
    return states(Store.open(store), [trial.trial_id for trial in sweep.trials])


def _metric(name: str | None) -> str | None:
    from bench.measures import MEASURES
    from bench.spec.fault import unknown

    if name is not None and name not in MEASURES:
        fail(f"--metric: {unknown('measure', name, MEASURES)}")
    return name


def _summarize_run(sweep: Sweep, found: dict[str, State]) -> None:
    counts = Counter(state.status for state in found.values())
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    tell(f"{sweep.name}: {len(found)} trials: {told}")
    if counts["failed"]:
        tell(f"see why with `sambench status {sweep.file}`; try again with --retry failed")
        raise typer.Exit(1)
