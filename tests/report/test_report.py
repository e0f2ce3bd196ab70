"""The report is one page that needs no network and says what the store holds."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import altair as alt
import pytest
from scipy.stats import t

from bench.board import make_board
from bench.board.uncertainty.spread import SPREADS
from bench.plots.drawing import Drawing
from bench.report import write_report
from bench.report.charts import _apart, charts
from bench.report.page import report
from bench.store import Store
from bench.sweep import Sweep
from tests.plots.contents import every_plot, fill


class Seen(HTMLParser):
    """What a browser would look at."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wanted: list[str] = []
        self.ids: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in ("meta", "link", "br", "img", "hr", "input"):
            self.open.append(tag)
        self.wanted += [str(values[name]) for name in ("src", "href") if values.get(name)]
        if values.get("id"):
            self.ids.add(str(values["id"]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return every_plot(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="module")
def filled(sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.create(tmp_path_factory.mktemp("filled") / "store")
    fill(store, sweep)
    log = store.folder(sweep.trials[0].trial_id).log
    log.write_text("line\n" * 40 + "<script>alert('no')</script>\n", encoding="utf-8")
    return store


@pytest.fixture(scope="module")
def text(filled: Store, sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of the sweep, twice."""
    output = tmp_path_factory.mktemp("report") / "out" / "report.html"
    write_report(filled, [sweep, sweep], output)
    return output.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Seen:
    seen = Seen()
    seen.feed(text)
    return seen


def test_it_is_whole_and_asks_for_nothing(page: Seen) -> None:
    assert page.open == []
    assert page.wanted == ["#chapter-1", "#chapter-2"]
    assert {"chapter-1", "chapter-2"} <= page.ids


def test_it_says_what_the_store_holds(page: Seen, sweep: Sweep) -> None:
    assert f"The sweep has {len(sweep.trials)} trials: {len(sweep.trials) - 1} done, 1 missing." in page.text
    assert "It isn't finished: means are over the seeds that are done" in page.text
    assert re.search(r"only_norm − all, paired over the seeds .* of \d comparisons", page.text)
    assert {trial.trial_id for trial in sweep.trials} <= page.ids
    assert "± " in page.text
    assert "test accuracy (%) over ρ" in page.text


def test_logs_are_shown_as_text(page: Seen) -> None:
    assert "<script>alert('no')</script>" in page.text
    assert "… 11 lines before" in page.text


def test_a_sweep_without_results(store: Store, sweep: Sweep, tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    write_report(store, [sweep], output)
    text = output.read_text(encoding="utf-8")
    assert f"{len(sweep.trials)} missing" in text
    assert f"No trial is done yet: none of {len(sweep.trials)} has a test_accuracy." in text


def test_charts_and_tables_have_the_spread_that_is_asked_for(filled: Store, sweep: Sweep, text: str) -> None:
    pages = {"std": text, "ci95": report(filled, [sweep], spread="ci95")}
    ends = {}
    for name, page in pages.items():
        assert f"over ρ, {SPREADS[name].short}" in page
        assert SPREADS[name].about in unescape(page)
        rows = [json.loads(row) for row in re.findall(r'\{"method":[^}]*"low"[^}]*\}', page)]
        three = [row for row in rows if row["of"].endswith("(3)")]
        ends[name] = {(row["method"], row["ρ"]): row["value"] - row["low"] for row in three}
    half = float(t.ppf(0.975, 2)) / 3**0.5
    assert ends["ci95"] == pytest.approx({place: half * std for place, std in ends["std"].items()})
    assert any(ends["std"].values())


def test_a_method_has_one_colour_in_all_charts(text: str) -> None:
    scales = re.findall(r'"scale": ?\{"domain": ?(\[.*?\]), ?"range": ?(\[.*?\])\}', text)
    pairs = {pair for names, colours in scales for pair in zip(json.loads(names), json.loads(colours), strict=True)}
    assert len(scales) > 2
    assert len(pairs) == len({name for name, _ in pairs})


def test_charts_are_valid(filled: Store, sweep: Sweep) -> None:
    drawn = list(charts(Drawing(filled, sweep, make_board(filled, sweep))))
    assert len(drawn) > 4
    for _, chart in drawn:
        alt.VegaLiteSchema.validate(chart, alt.load_schema())


def test_labels_of_rho_have_room_on_a_phone() -> None:
    radii = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]
    assert _apart(radii) == [0.01, 0.05, 0.2, 0.5, 2.0, 5.0]
    assert _apart(radii[:2]) == radii[:2]
    assert _apart([0.1]) == [0.1]
