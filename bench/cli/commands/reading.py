"""Commands about results: board, plot, report, serve, query."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

from bench.cli import interrupts
from bench.cli.changed import tell_changed
from bench.cli.loading import load_ready, load_several, open_all
from bench.cli.options import (
    DEFAULT_STORES,
    JsonOption,
    MaxTrialsOption,
    MetricOption,
    SetOption,
    SmokeOption,
    StoresOption,
    SweepArgument,
    WhereOption,
    read_metric,
)
from bench.cli.paging import FormatOption, OutputOption, SpreadOption, check_format, print_page
from bench.cli.render.terminal import fail, show, tell, write
from bench.cli.signature import Argument, Option, command
from bench.errors import unknown


@command(example="sambench board sweeps/demo.yaml --format markdown --output out/demo.md")
def board(
    sweep: SweepArgument,
    store: StoresOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
    metric: MetricOption = None,
    spread: SpreadOption = "std",
    rows: Annotated[str | None, Option(metavar="FIELD[,FIELD]", help="Fields that make up the rows.")] = None,
    cols: Annotated[str | None, Option(metavar="FIELD[,FIELD]", help="Fields that make up the columns.")] = None,
    against: Annotated[
        str | None,
        Option(
            metavar="paper|STORE|FILE|COMMIT",
            help="Compare with the paper's numbers, or with the same trials elsewhere: another store, an export, or "
            "what a commit made.",
        ),
    ] = None,
    cost: Annotated[
        bool, Option("--cost", help="Add passes and measured time, relative to the base optimizer.")
    ] = False,
    examples: Annotated[
        bool, Option("--examples", help="Compare methods image by image: agreement, McNemar's test, test-set noise.")
    ] = False,
    format_: FormatOption = "terminal",
    output: OutputOption = None,
) -> None:
    """Print a sweep's leaderboard: mean ± std over seeds, with the scopes side by side.

    A sweep that names a table of the paper is laid out as that table; --rows and --cols arrange trials otherwise.
    """
    from bench.board import show_board

    check_format(format_)
    loaded = load_ready(sweep, set_, store, smoke=smoke, max_trials=max_trials, where=where)
    chosen = read_metric(metric)
    page = show_board(
        open_all(store),
        loaded,
        metric=chosen,
        rows=rows,
        columns=cols,
        against=against,
        spread=spread,
        examples=examples,
        cost=cost,
    )
    print_page(page, format_, output)
    if not where and not any(record.get("n") for record in page.records):
        tell_changed(store, loaded)


@command(example='sambench query "SELECT model, avg(test_accuracy) FROM results GROUP BY ALL"')
def query(
    sql: Annotated[str, Argument(metavar="SELECT", help="One SELECT statement.")],
    store: StoresOption = DEFAULT_STORES,
    csv: Annotated[bool, Option("--csv", help="Print CSV.")] = False,
    as_json: JsonOption = False,
    parquet: Annotated[
        str | None,
        Option("--parquet", metavar="FILE", help="Write a Parquet file, to a path or a URI such as s3://bucket/file."),
    ] = None,
) -> None:
    """Query results in SQL; `sambench schema` lists the tables and columns."""
    from bench.cli.render import query_table

    if csv + as_json + (parquet is not None) > 1:
        fail("--csv, --json and --parquet: choose one of them")
    opened = open_all(store)
    if parquet is not None:
        from bench.store.read.query import query as answer
        from bench.store.upkeep.export import write_table

        write_table(answer(opened, sql), parquet)
        tell(f"wrote {parquet}")
        return
    from bench.store.read.query import query_rows

    found = query_rows(opened, sql)
    if csv:
        write(query_table.as_csv(found))
    elif as_json:
        print(query_table.as_json(found))
    else:
        show(query_table.as_shown(found))
        if len(found.rows) > query_table.LINES:
            tell(f"the first {query_table.LINES:,} of {len(found.rows):,} rows; --csv, --json or --parquet gives all")


@command(example="sambench plot sweeps/demo.yaml --kind differences --output out/demo.pdf")
def plot(
    sweep: SweepArgument,
    store: StoresOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
    metric: MetricOption = None,
    spread: SpreadOption = "std",
    kind: Annotated[
        str | None,
        Option(
            metavar="KIND",
            help="rho, runtime, m, sparsity, weights, dropout, decay, training, differences or pareto; default: what "
            "the sweep varies.",
        ),
    ] = None,
    output: Annotated[
        list[Path] | None,
        Option(
            metavar="FILE",
            help="File to write (.png, .svg or .pdf); may be repeated; default: out/ and the sweep's name.",
        ),
    ] = None,
) -> None:
    """Plot a sweep's results for a paper: means, spread and n, legible in greyscale."""
    from bench.board import judged_alike, make_board
    from bench.plots import FORMATS, PLOTS, default_kind

    if kind is not None and kind not in PLOTS:
        fail(f"--kind: {unknown('plot', kind, PLOTS)}")
    loaded = load_ready(sweep, set_, store, smoke=smoke, max_trials=max_trials, where=where)
    chosen = read_metric(metric)
    outputs = output or [Path("out") / f"{loaded.name}.png"]
    for path in outputs:
        if not path.suffix:
            fail(f"--output {path}: its suffix tells the format: {', '.join(f'{path}.{each}' for each in FORMATS)}")
        if path.suffix.removeprefix(".") not in FORMATS:
            fail(f"--output {path}: {unknown('format', path.suffix.removeprefix('.'), FORMATS)}")
    opened, loaded = open_all(store), judged_alike(loaded, chosen)
    made = make_board(opened, loaded, chosen, spread=spread)
    if made.empty:
        if not where:
            tell_changed(store, loaded)
        tell(f"nothing to plot yet: no trial of {loaded.name} has a {made.metric.name}")
        return
    from bench.plots.draw import draw

    draw(opened, loaded, made, kind or default_kind(loaded.trials), outputs)
    for path in outputs:
        tell(f"wrote {path}")


@command(example="sambench report sweeps/demo.yaml --output out/demo.html")
def report(
    sweeps: Annotated[list[Path], Argument(metavar="SWEEP...", help="Sweeps; each becomes a chapter.")],
    store: StoresOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
    spread: SpreadOption = "std",
    output: Annotated[Path, Option(metavar="FILE", help="File to write.")] = Path("out/report.html"),
) -> None:
    """Write a self-contained HTML report: summary, boards, interactive charts, provenance, logs."""
    from bench.report import write_report

    ready = load_several(sweeps, set_, store, smoke=smoke, max_trials=max_trials, where=where)
    if not ready:
        return
    write_report(open_all(store), ready, output, spread=spread)
    tell(f"wrote {output}")


@command(example="sambench serve sweeps/demo.yaml --port 8080")
def serve(
    sweeps: Annotated[list[Path], Argument(metavar="SWEEP...", help="Sweeps; each becomes a chapter.")],
    store: StoresOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
    spread: SpreadOption = "std",
    host: Annotated[str, Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, Option(low=0, high=65535, help="Port to listen on; default: any free one.", metavar="PORT")
    ] = 0,
) -> None:
    """Serve the report to a browser and update it as results come in; Ctrl-C leaves the trials running."""
    from bench.report.serve import Server

    ready = load_several(sweeps, set_, store, smoke=smoke, max_trials=max_trials, where=where)
    if not ready:
        return
    try:
        server = Server(open_all(store), ready, host, port, spread=spread)
    except OSError as error:
        fail(f"{host}:{port}: can't listen there: {error.strerror or error}")
    tell(f"{server.url}  (anyone with this address can read the results; Ctrl-C stops the server)")
    interrupts.catch()
    with server, suppress(KeyboardInterrupt):
        server.serve_forever()
