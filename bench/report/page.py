"""The page: boards, charts, words, provenance and the log of every trial, in one file that needs no network."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from bench.board import Board, judged_alike, make_board, show_board
from bench.board.alike import metrics_of
from bench.board.formats.html import TABLE_STYLE, fragment
from bench.escape import visible
from bench.plots.drawing import Drawing
from bench.report.charts import charts
from bench.report.summary import summary
from bench.report.under_way import Running, running
from bench.store import Readable, State, connect, files, states
from bench.store.folder import StoreError, log_of
from bench.store.read.query import as_list
from bench.sweep import Sweep

_LOG_LINES = 30
_PROVENANCE = ("device", "host", "launcher", "code", "git_commit", "sambench", "torch", "python", "world_size")


@dataclass(frozen=True)
class Chapter:
    """One sweep of the report."""

    sweep: Sweep
    board: Board
    words: list[str]
    tables: list[tuple[str, tuple[str, ...], Markup]]
    charts: list[tuple[str, Markup]]
    provenance: dict[str, str]
    running: list[Running]
    trials: list[dict[str, Any]]


def write_report(stores: Readable, sweeps: Sequence[Sweep], output: Path, *, spread: str = "std") -> None:
    """Write the page, in one step."""
    files.put(output, report(stores, sweeps, spread=spread).encode())


def report(
    stores: Readable, sweeps: Sequence[Sweep], *, spread: str = "std", live: bool = False, origin: str = ""
) -> str:
    """The page, with one of SPREADS beside means; `origin` replaces the line with the time and the paths of the stores.

    A `live` page polls its server and reloads when there is something new.
    """
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_part("page.html.j2")).render(
        chapters=[_chapter(stores, sweep, spread) for sweep in sweeps],
        table_style=Markup(TABLE_STYLE),
        vega=_vega(),
        script=Markup(_part("page.js")),
        made=made,
        origin=origin or f"{made}, from {' and '.join(str(store.root) for store in as_list(stores))}",
        live=live,
    )


@cache
def _vega() -> Markup:
    """The scripts that draw the charts."""
    return Markup(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _part(name: str) -> str:
    return resources.files("bench.report").joinpath(name).read_text(encoding="utf-8")


def _chapter(stores: Readable, sweep: Sweep, spread: str) -> Chapter:
    alike = judged_alike(sweep)
    board = make_board(stores, alike, spread=spread)
    found = states(stores, [trial.trial_id for trial in sweep.trials], sweep.retries)
    drawing = Drawing(stores, alike, board)
    return Chapter(
        sweep=sweep,
        board=board,
        words=summary(sweep, board, found),
        tables=_tables(stores, sweep, spread),
        charts=[(caption, _embedded(chart)) for caption, chart in charts(drawing)],
        provenance=_provenance(stores, sweep),
        running=running(sweep, found),
        trials=_trials(sweep, found, drawing),
    )


def _embedded(chart: dict[str, Any]) -> Markup:
    """As data within a page: no text in it ends the element that holds it."""
    return Markup(json.dumps(chart, separators=(",", ":")).replace("<", "\\u003c"))


def _tables(stores: Readable, sweep: Sweep, spread: str) -> list[tuple[str, tuple[str, ...], Markup]]:
    """Heading, answer and table: the board, and beside the paper's numbers where the sweep is about some."""
    # The chapter begins with what the board answers.
    board = Markup(fragment(show_board(stores, sweep, spread=spread)))
    tables: list[tuple[str, tuple[str, ...], Markup]] = [("Board", (), board)]
    for metric in metrics_of(sweep)[1:]:
        page = show_board(stores, sweep, metric=metric, spread=spread)
        tables.append((f"Board of {metric}", page.lead, Markup(fragment(page))))
    if sweep.paper:
        page = show_board(stores, sweep, against="paper")
        tables.append(("Against the paper", page.lead, Markup(fragment(page))))
    return tables


def _provenance(stores: Readable, sweep: Sweep) -> dict[str, str]:
    """Each fact with its values and the number of done trials that have them."""
    ids = [trial.trial_id for trial in sweep.trials]
    counting = "outcome = 'done' AND NOT superseded AND trial_id IN $ids"
    facts = f"SELECT {', '.join(_PROVENANCE)} FROM attempts WHERE {counting}"
    with connect(stores, ["attempts"]) as connection:
        rows = connection.execute(facts, {"ids": ids}).fetchall()
    counted = {name: Counter(str(row[place]) for row in rows) for place, name in enumerate(_PROVENANCE)}
    return {name: _most_first(each) for name, each in counted.items() if each}


def _most_first(counted: Counter[str]) -> str:
    """Values with their counts; equally frequent ones by name, since rows come in any order."""
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{value} ({n})" for value, n in ordered)


def _trials(sweep: Sweep, found: Mapping[str, State], drawing: Drawing) -> list[dict[str, Any]]:
    values = {point.trial.trial_id: point.value for point in drawing.points}
    return [
        {
            "trial_id": trial.trial_id,
            "label": trial.label,
            "status": found[trial.trial_id].status,
            "value": values.get(trial.trial_id),
            "message": found[trial.trial_id].message,
            "log": _log(found[trial.trial_id], trial.trial_id),
        }
        for trial in sweep.trials
    ]


def _log(state: State, trial_id: str) -> str:
    if state.store is None:
        return ""
    try:
        with log_of(state.store.folder(trial_id)) as log:
            lines = visible(log.read()).splitlines()
    except FileNotFoundError:
        return ""
    except StoreError as error:
        return str(error)
    left = len(lines) - _LOG_LINES
    return "\n".join([f"… {left} lines before" if left > 0 else "", *lines[-_LOG_LINES:]]).strip()
