"""The command rank."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from bench.cli.loading import load_several, open_all
from bench.cli.options import (
    DEFAULT_STORES,
    MaxTrialsOption,
    MetricOption,
    SetOption,
    SmokeOption,
    StoresOption,
    WhereOption,
    read_metric,
)
from bench.cli.paging import FormatOption, OutputOption, SpreadOption, check_choice, check_format, print_page
from bench.cli.render.terminal import tell
from bench.cli.signature import Argument, Option, command


@command(example="sambench rank sweeps/a.yaml sweeps/b.yaml --plot out/rank.svg")
def rank(
    sweeps: Annotated[list[Path], Argument(metavar="SWEEP...", help="Sweeps to rank together.")],
    store: StoresOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
    metric: MetricOption = None,
    methods: Annotated[
        str | None,
        Option(
            metavar="FIELD[,FIELD]",
            help="Fields that define a method; all others define a task; default: variant,scope.",
        ),
    ] = None,
    missing: Annotated[
        str,
        Option(metavar="tasks|methods", help="What to drop when results are missing: the tasks or the methods."),
    ] = "tasks",
    spread: SpreadOption = "std",
    plot: Annotated[
        list[Path] | None,
        Option(metavar="FILE", help="Write the critical-difference diagram (.png, .svg or .pdf); may be repeated."),
    ] = None,
    format_: FormatOption = "terminal",
    output: OutputOption = None,
) -> None:
    """Rank methods over many tasks: average ranks, win rates, Friedman's test, critical difference."""
    from bench.board.rank.rank_page import rank_page
    from bench.board.rank.scores import read_scores
    from bench.board.rank.standings import rank_methods
    from bench.plots import FORMATS

    check_format(format_)
    check_choice("--missing", "choice", missing, ["tasks", "methods"])
    for path in plot or []:
        check_choice(f"--plot {path}", "format", path.suffix.removeprefix("."), FORMATS)
    chosen = read_metric(metric)
    ready = load_several(sweeps, set_, store, smoke=smoke, max_trials=max_trials, where=where)
    if not ready:
        return
    scores = read_scores(open_all(store), ready, metric=chosen, methods=methods, missing=missing, spread=spread)
    if not scores.tasks:
        tell(f"nothing to rank yet: no task has a {scores.board.metric.name} of two methods")
        return
    ranking = rank_methods(scores)
    print_page(rank_page(scores, ranking), format_, output)
    if plot:
        from bench.plots.critical_difference import draw_ranking

        draw_ranking(scores, ranking, plot)
        for path in plot:
            tell(f"wrote {path}")
