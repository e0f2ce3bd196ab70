"""Commands about results: board, plot, query."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.app import app
from bench.cli.options import DEFAULT_STORE, SetOption, StoreOption, SweepArgument, load_sweep
from bench.terminal import emit, fail, show, tell


class BoardFormat(StrEnum):
    terminal = "terminal"
    markdown = "markdown"
    csv = "csv"


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
    made = make_board(Store.open(store), load_sweep(sweep, set_), chosen)
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

    loaded = load_sweep(sweep, set_)
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


def _metric(name: str | None) -> str | None:
    from bench.measures import MEASURES
    from bench.spec.fault import unknown

    if name is not None and name not in MEASURES:
        fail(f"--metric: {unknown('measure', name, MEASURES)}")
    return name
