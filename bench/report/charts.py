"""Interactive charts of a sweep, by plotly, as pieces of HTML."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go

from bench.board.answer import OURS, THEIRS, differences
from bench.board.inference import half_width
from bench.board.layouts.base import BASE_ROW
from bench.plots.drawing import STYLES, Drawing, grouped
from bench.plots.training import COLUMNS, history

_TICKS = 7
"""Intervals between labels of ρ that are never too close."""
_LAYOUT = {
    "template": "plotly_white",
    "margin": {"l": 50, "r": 10, "t": 40, "b": 40},
    "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
    "font": {"family": "system-ui, sans-serif"},
}


def charts(drawing: Drawing) -> Iterator[tuple[str, str]]:
    """Caption and HTML of every chart that the results have something for."""
    for title, points in grouped(drawing.points, lambda point: drawing.column(point.trial)).items():
        if _searched(drawing, points):
            yield f"{title}: {drawing.metric} over ρ", _html(_over_rho(drawing, points))
    differences = _differences(drawing)
    if differences is not None:
        yield f"{OURS} − {THEIRS}, paired over seeds, with 95 % intervals", _html(differences)
    for title, points in grouped(drawing.points, lambda point: drawing.column(point.trial)).items():
        yield f"{title}: training, each method at its chosen ρ", _html(_training(drawing, points))


def _searched(drawing: Drawing, points: list[Any]) -> bool:
    """Whether a method has more than one ρ."""
    radii = {(drawing.method(point.trial), point.trial.rho) for point in points if point.trial.perturbs}
    return len(radii) > len({name for name, _ in radii})


def _over_rho(drawing: Drawing, points: list[Any]) -> go.Figure:
    figure = go.Figure()
    perturbed = [point for point in points if point.trial.perturbs]
    for place, (name, line) in enumerate(grouped(perturbed, lambda point: drawing.method(point.trial)).items()):
        by_rho = {rho: [p.value for p in group] for rho, group in grouped(line, lambda p: p.trial.rho).items()}
        radii = sorted(by_rho)
        summaries = [drawing.summary(by_rho[rho]) for rho in radii]
        figure.add_scatter(
            x=radii,
            y=[each.mean for each in summaries],
            error_y={"type": "data", "array": [each.std or 0.0 for each in summaries]},
            customdata=[each.text(2) for each in summaries],
            hovertemplate="ρ %{x:g}: %{customdata}<extra>" + name + "</extra>",
            name=name,
            mode="lines+markers",
            line={"color": STYLES[place % len(STYLES)][0]},
        )
    base = [point for point in points if not point.trial.perturbs]
    for name, line in grouped(base, lambda point: drawing.board.layout.base_label(point.trial, BASE_ROW)).items():
        mean = drawing.summary([point.value for point in line]).mean
        figure.add_hline(y=mean, line_dash="dash", annotation_text=name)
    ticks = _apart(sorted({point.trial.rho for point in perturbed}))
    figure.update_xaxes(type="log", title="ρ", tickvals=ticks, ticktext=[f"{rho:g}" for rho in ticks])
    figure.update_yaxes(title=drawing.metric)
    return figure


def _apart(radii: Sequence[float]) -> list[float]:
    """Those of the rising radii whose labels have room beside each other on a phone."""
    gap = math.log(radii[-1] / radii[0]) / _TICKS
    kept = [radii[0]]
    for rho in radii[1:]:
        if math.log(rho / kept[-1]) >= gap:
            kept.append(rho)
    return kept


def _differences(drawing: Drawing) -> go.Figure | None:
    board = drawing.board
    pairs = {f"{row}, {place}": found for (row, place), found in differences(board).items()}
    if not pairs:
        return None
    each_pair = list(pairs.values())
    figure = go.Figure(
        go.Bar(
            y=list(pairs),
            x=[each.mean for each in each_pair],
            orientation="h",
            error_x={"type": "data", "array": [half_width(each) or 0.0 for each in each_pair]},
            marker_color=[STYLES[0 if board.metric.gain(each.mean) >= 0 else 1][0] for each in each_pair],
            customdata=[each.text(2, sign=True) for each in each_pair],
            hovertemplate="%{y}: %{customdata}<extra></extra>",
        )
    )
    figure.update_xaxes(title=board.metric.difference_unit)
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_layout(height=120 + 26 * len(pairs))
    return figure


def _training(drawing: Drawing, points: list[Any]) -> go.Figure:
    rows = history(drawing)
    quantity = "test_accuracy"
    figure = go.Figure()
    for place, (name, line) in enumerate(grouped(points, lambda point: drawing.method(point.trial)).items()):
        values: dict[int, list[float]] = {}
        for point in drawing.at_chosen_rho(line):
            for epoch, value in rows.get((point.trial.trial_id, quantity), []):
                values.setdefault(epoch, []).append(value)
        figure.add_scatter(
            x=list(values),
            y=[drawing.summary(group).mean for group in values.values()],
            name=name,
            # A single epoch has no line.
            mode="lines" if len(values) > 1 else "markers",
            line={"color": STYLES[place % len(STYLES)][0]},
        )
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title=COLUMNS[quantity])
    return figure


def _html(figure: go.Figure) -> str:
    # Room for the legend below, four entries to a line on a wide screen.
    lines = -(-len(figure.data) // 4)
    figure.update_layout(**_LAYOUT, height=figure.layout.height or 340 + 22 * lines)
    figure.update_layout(margin_b=60 + 22 * lines)
    config = {"responsive": True, "displaylogo": False}
    text: str = figure.to_html(full_html=False, include_plotlyjs=False, config=config)
    return text
