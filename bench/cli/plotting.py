"""The command plot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.app import app
from bench.cli.options import (
    DEFAULT_STORES,
    MaxTrialsOption,
    MetricOption,
    SetOption,
    SmokeOption,
    StoresOption,
    SweepArgument,
    WhereOption,
    load_ready,
    open_all,
    read_metric,
)
from bench.terminal import fail, tell


@app.command(epilog="Example: sambench plot sweeps/demo.yaml --kind differences --output out/demo.pdf")
def plot(
    sweep: SweepArgument,
    store: StoresOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
    metric: MetricOption = None,
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="KIND", help="rho, runtime, m, sparsity, training or differences; default: what the sweep varies."
        ),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="File.png, .svg or .pdf; may be repeated; default: out/ and the sweep's name."
        ),
    ] = None,
) -> None:
    """Draw the results of a sweep, for a paper: means, spread and n, legible in grey."""
    from bench.board import make_board
    from bench.board.free_layout import where as matching
    from bench.plots import FORMATS, PLOTS, default_kind
    from bench.spec.fault import unknown

    if kind is not None and kind not in PLOTS:
        fail(f"--kind: {unknown('plot', kind, PLOTS)}")
    chosen = read_metric(metric)
    loaded = matching(load_ready(sweep, set_, store, smoke=smoke, max_trials=max_trials), where or ())
    outputs = output or [Path("out") / f"{loaded.name}.png"]
    for path in outputs:
        if path.suffix.removeprefix(".") not in FORMATS:
            fail(f"--output {path}: {unknown('format', path.suffix.removeprefix('.'), FORMATS)}")
    opened = open_all(store)
    made = make_board(opened, loaded, chosen)
    if made.empty:
        tell(f"nothing to plot yet: no trial of {loaded.name} has a {made.metric.name}")
        return
    from bench.plots.draw import draw

    draw(opened, loaded, made, kind or default_kind(loaded.trials), outputs)
    for path in outputs:
        tell(f"wrote {path}")
