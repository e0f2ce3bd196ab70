"""Interactive charts of a sweep, as specifications of Vega-Lite, by Altair."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from bench.board.answer import OURS, THEIRS, differences
from bench.board.inference import half_width
from bench.board.layouts.base import BASE_ROW
from bench.plots.drawing import Drawing, grouped
from bench.plots.lines import STYLES
from bench.plots.training import by_epoch, history, quality, task_of

_TICKS = 7
"""Intervals on the axis of ρ that are wide enough for a label."""
_HEIGHT = 300
_ROW = 26
"""Height of a bar with the space about it."""


def charts(drawing: Drawing) -> Iterator[tuple[str, dict[str, Any]]]:
    """Caption and specification of every chart that there are results for."""
    for title, points in grouped(drawing.points, lambda point: drawing.column(point.trial)).items():
        if _searched(drawing, points):
            yield f"{title}: {drawing.metric} over ρ, {drawing.board.spread.short}", _spec(_over_rho(drawing, points))
    bars = _differences(drawing)
    if bars is not None:
        yield f"{OURS} − {THEIRS}, paired over seeds, with 95 % intervals", _spec(bars)
    for title, points in grouped(drawing.points, lambda point: drawing.column(point.trial)).items():
        yield f"{title}: training, each method at its chosen ρ", _spec(_training(drawing, points))


def _searched(drawing: Drawing, points: list[Any]) -> bool:
    """Whether a method has more than one ρ."""
    radii = {(drawing.method(point.trial), point.trial.rho) for point in points if point.trial.perturbs}
    return len(radii) > len({name for name, _ in radii})


def _over_rho(drawing: Drawing, points: list[Any]) -> alt.TopLevelMixin:
    perturbed = [point for point in points if point.trial.perturbs]
    rows = []
    for name, line in grouped(perturbed, lambda point: drawing.method(point.trial)).items():
        for rho, group in sorted(grouped(line, lambda point: point.trial.rho).items()):
            found = drawing.summary([point.value for point in group])
            below, above = drawing.board.spread.errors(found)
            told = {"method": name, "ρ": rho, "value": found.mean, "of": drawing.board.spread.text(found, 2)}
            rows.append(told | {"low": found.mean - below, "high": found.mean + above})
    ticks = _apart(sorted({row["ρ"] for row in rows}))
    color, opacity, chosen = _colors(drawing, [row["method"] for row in rows])
    rho = alt.X("ρ:Q", scale=alt.Scale(type="log"), axis=alt.Axis(values=ticks, format="~g", grid=False))
    chart = alt.Chart(alt.Data(values=rows)).encode(x=rho, color=color, opacity=opacity)
    value = _value(drawing.metric, "value")
    shown = [alt.Tooltip("method:N"), alt.Tooltip("ρ:Q", format="~g"), alt.Tooltip("of:N", title=drawing.metric)]
    layers: list[Any] = [
        chart.mark_rule().encode(y=_value(drawing.metric, "low"), y2="high:Q"),
        chart.mark_line().encode(y=value),
        chart.mark_point(filled=True, size=50).encode(y=value, tooltip=shown).add_params(chosen),
    ]
    base = [point for point in points if not point.trial.perturbs]
    for name, line in grouped(base, lambda point: drawing.board.layout.base_label(point.trial, BASE_ROW)).items():
        layers += _base_line(name, drawing.summary([point.value for point in line]).mean)
    return alt.layer(*layers).properties(height=_HEIGHT)


def _base_line(name: str, mean: float) -> list[alt.Chart]:
    """A base optimizer's mean across the chart."""
    line = alt.Chart(alt.Data(values=[{"value": mean}])).encode(y="value:Q")
    words = {"x": 0, "align": "left", "dy": -6, "dx": 4, "text": name}
    return [line.mark_rule(strokeDash=[5, 4]), line.mark_text(**words)]


def _apart(radii: Sequence[float]) -> list[float]:
    """Those of the rising radii whose labels fit beside each other on a phone."""
    gap = math.log(radii[-1] / radii[0]) / _TICKS
    kept = [radii[0]]
    for rho in radii[1:]:
        if math.log(rho / kept[-1]) >= gap:
            kept.append(rho)
    return kept


def _differences(drawing: Drawing) -> alt.TopLevelMixin | None:
    metric = drawing.board.metric
    rows = []
    for (row, place), found in differences(drawing.board).items():
        half = half_width(found) or 0.0
        told = {"comparison": f"{row}, {place}", "mean": found.mean, "of": found.text(2, sign=True)}
        rows.append(
            told | {"low": found.mean - half, "high": found.mean + half, "better": metric.gain(found.mean) >= 0}
        )
    if not rows:
        return None
    names = alt.Y("comparison:N", sort=None, title=None)
    points = alt.X("mean:Q", title=metric.difference_unit)
    color = alt.condition("datum.better", alt.value(STYLES[0][0]), alt.value(STYLES[1][0]))
    chart = alt.Chart(alt.Data(values=rows)).encode(y=names)
    shown = [alt.Tooltip("comparison:N"), alt.Tooltip("of:N", title="difference")]
    bars = chart.mark_bar().encode(x=points, color=color, tooltip=shown)
    return (bars + chart.mark_rule().encode(x="low:Q", x2="high:Q")).properties(height=_ROW * len(rows))


def _training(drawing: Drawing, points: list[Any]) -> alt.TopLevelMixin:
    found = history(drawing)
    quantity, label = quality(task_of(points))
    rows = []
    for name, line in grouped(points, lambda point: drawing.method(point.trial)).items():
        for epoch, values in by_epoch(found, drawing.at_chosen_rho(line), quantity).items():
            rows.append({"method": name, "epoch": epoch, "value": drawing.summary(values).mean})
    color, opacity, chosen = _colors(drawing, [row["method"] for row in rows])
    chart = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1, grid=False)),
        y=_value(label, "value"),
        color=color,
        opacity=opacity,
        tooltip=[alt.Tooltip("method:N"), alt.Tooltip("epoch:Q"), alt.Tooltip("value:Q", format=".2f")],
    )
    # A single epoch has no line.
    return chart.mark_line(point=alt.OverlayMarkDef(size=16)).add_params(chosen).properties(height=_HEIGHT)


def _value(title: str, name: str) -> alt.Y:
    return alt.Y(f"{name}:Q", title=title, scale=alt.Scale(zero=False))


def _colors(drawing: Drawing, methods: Sequence[str]) -> tuple[alt.Color, Any, alt.Parameter]:
    """A colour for each method, the same in all charts; one that is clicked in the legend stands out."""
    names = list(dict.fromkeys(methods))
    legend = alt.Legend(orient="bottom", title=None, labelLimit=0, symbolType="stroke")
    palette = [drawing.style(name)[0] for name in names]
    color = alt.Color("method:N", sort=names, scale=alt.Scale(domain=names, range=palette), legend=legend)
    chosen = alt.selection_point(fields=["method"], bind="legend")
    return color, alt.condition(chosen, alt.value(1.0), alt.value(0.15)), chosen


def _spec(chart: Any) -> dict[str, Any]:
    font = "system-ui, sans-serif"
    settings = {"font": font, "axis": {"labelFontSize": 12, "titleFontSize": 12}, "legend": {"labelFontSize": 12}}
    # Not validated here, which would take half the time of a report; a test does it.
    whole: dict[str, Any] = chart.properties(width="container").to_dict(validate=False)
    return whole | {
        "config": settings | {"view": {"stroke": None}},
        "autosize": {"type": "fit-x", "contains": "padding"},
    }
