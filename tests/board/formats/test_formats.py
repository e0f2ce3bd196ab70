"""Every format of a page: the same numbers, parsed back; the LaTeX compiled."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from bench.board.formats import FORMATS, as_csv, as_json, html, latex, markdown, terminal
from bench.board.formats.latex import escaped
from bench.board.page.page import Page
from bench.board.page.table import Grid, Section, TableCell, TableRow, Title, parts, spread
from tests.shared.timing import patience

NASTY = "100 % of_this & <that> | {é} #1 $x$ \\ ~ ^ ρ ± ℓ∞ 中"

GRID = Grid(
    "A table",
    "method",
    ((Title("ResNet-56", 2),), (Title("all"), Title("ON"))),
    (
        Section("basic", (TableRow("SGD", (TableCell("72.8 ± 0.3 (3)", span=2),)),)),
        Section(
            "basic+aa",
            (
                TableRow(
                    NASTY,
                    (
                        TableCell("76.3 ± 0.3 (3)", ("ρ 0.1†", "1 pruned"), marks="a,b"),
                        TableCell("76.0 ± – (1)", ("ρ 1",), bold=True, underline=True),
                    ),
                ),
            ),
        ),
    ),
)
RECORDS = ({"row": "SGD", "mean": 72.8, "std": None}, {"row": NASTY, "mean": None, "std": 0.3})


@pytest.fixture
def page() -> Page:
    notes, facts = ("A note.", f"  a part of it: {NASTY}"), {"metric": "test_accuracy"}
    return Page(f"Page {NASTY}", (f"An answer: {NASTY}.",), (GRID,), notes, RECORDS, facts)


def test_spread_gives_one_entry_per_column() -> None:
    assert [entry.text for entry in spread(GRID.blocks[0].lines[0])] == ["72.8 ± 0.3 (3)", ""]
    assert GRID.width == 2
    assert GRID.joined_titles(" ") == ["ResNet-56 all", "ResNet-56 ON"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_every_record_or_entry(page: Page, name: str) -> None:
    text = FORMATS[name](page)
    assert text.endswith("\n")
    assert ("An answer: 100" in text) == (name != "csv")
    assert "SGD" in text
    assert "72.8" in text


def test_markdown(page: Page) -> None:
    lines = markdown(page).splitlines()
    assert "| method | ResNet-56<br>all | ResNet-56<br>ON |" in lines
    assert "| *basic* |  |  |" in lines
    assert "| SGD | 72.8 ± 0.3 (3) |  |" in lines
    (line,) = [line for line in lines if "76.3" in line]
    assert line.endswith("| 76.3 ± 0.3 (3)<sup>a,b</sup><br>ρ 0.1†<br>1 pruned | <u>**76.0 ± – (1)**</u><br>ρ 1 |")
    assert r"\<that\> \| {é}" in line


def test_terminal(page: Page) -> None:
    text = shown(page, 160)
    assert "76.3 ± 0.3 (3) (a,b)" in text
    assert "1 pruned" in text
    assert "  a part of it" in text


def shown(page: Page, width: int) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(terminal(page))
    return console.export_text()


def test_a_narrow_terminal_has_models_below_each_other(page: Page) -> None:
    entries = tuple(TableCell(f"7{place}.00 ± 0.30 (3)") for place in range(4))
    titles = ((Title("ResNet-56", 2), Title("WRN-28-10", 2)), tuple(map(Title, ("all", "ON") * 2)))
    grid = Grid("A table", "method", titles, (Section("", (TableRow("SGD", entries),)),))
    wide, narrow = (shown(dataclasses.replace(page, grids=(grid,)), width).splitlines() for width in (100, 60))
    assert [line for line in wide if "70.00 ± 0.30 (3)" in line and "73.00 ± 0.30 (3)" in line]
    assert [line.count(" ± ") for line in narrow if "SGD" in line] == [2, 2]
    together = dataclasses.replace(grid, alike=False)
    assert "WRN-28-10" in next(
        line for line in shown(dataclasses.replace(page, grids=(together,)), 70).splitlines()[2:]
    )


def test_parts_keep_spans_whole() -> None:
    grid = dataclasses.replace(GRID, titles=((Title("a", 1), Title("b", 1)), (Title("c"), Title("d"))))
    halves = parts(grid, lambda part: part.width < 2)
    assert [[title.text for level in half.titles for title in level] for half in halves] == [["a", "c"], ["b", "d"]]
    assert [half.blocks[1].lines[0].entries[0].text for half in halves] == ["76.3 ± 0.3 (3)", "76.0 ± – (1)"]
    assert parts(grid, lambda _: True) == [grid]


def test_csv_and_json(page: Page) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(page))))
    assert rows == [{"row": "SGD", "mean": "72.8", "std": ""}, {"row": NASTY, "mean": "", "std": "0.3"}]
    document = json.loads(as_json(page))
    assert document["cells"] == list(RECORDS)
    assert (document["metric"], len(document["notes"])) == ("test_accuracy", 2)


class _Reader(HTMLParser):
    """Checks that every tag is closed in its place, and gathers the cells of each line."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.lines: list[list[str]] = []
        self.widths: list[int] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)
        if tag == "tr":
            self.lines.append([])
            self.widths.append(0)
        if tag in ("td", "th"):
            self.lines[-1].append("")
            self.widths[-1] += int(dict(attrs).get("colspan") or 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.lines[-1][-1] += data


def test_html_is_sound_and_needs_nothing_else(page: Page) -> None:
    reader = _Reader()
    reader.feed(html(page))
    reader.close()
    assert (reader.open, reader.links) == ([], [])
    assert set(reader.widths) == {3}
    assert ["SGD", "72.8 ± 0.3 (3)"] in reader.lines
    assert [NASTY, "76.3 ± 0.3 (3)a,bρ 0.1†1 pruned", "76.0 ± – (1)ρ 1"] in reader.lines


def test_latex_is_ascii() -> None:
    assert escaped(NASTY).isascii()
    assert escaped("50 % ρ é 中") == r"50 \% $\rho$ \'{e} [U+4E2D]"
    assert escaped("a_b & {c}") == r"a\_b \& \{c\}"


DOCUMENT = r"""\documentclass{article}
\usepackage[margin=15mm]{geometry}
\usepackage{booktabs,graphicx,longtable}
\begin{document}
\input{page.tex}
\end{document}
"""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("repeats", [1, 60])
def test_latex_compiles(page: Page, tmp_path: Path, repeats: int) -> None:
    """A short table, and one of several pages."""
    long = dataclasses.replace(GRID, blocks=GRID.blocks * repeats)
    (tmp_path / "page.tex").write_text(latex(dataclasses.replace(page, grids=(long,))), encoding="ascii")
    (tmp_path / "document.tex").write_text(DOCUMENT, encoding="ascii")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "document.tex"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=patience())
    if "booktabs.sty' not found" in ran.stdout:
        pytest.skip("pdflatex has no booktabs")
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert (tmp_path / "document.pdf").read_bytes().startswith(b"%PDF")
    assert ("longtable" in latex(dataclasses.replace(page, grids=(long,))).split("\n", 1)[1]) == (repeats > 1)


ODD = (
    "`code` *b* **b** _i_ __b__ ~~s~~ [l](http://x) ![i](x) [r]: x",
    "<b>x</b> <!-- --> &lt; &amp; a|b || \\| \\",
    "# head", "## head", "1. x", "1) x", "- x", "+ x", "* x", "---", "===", "> x", "``` x", "only_norm _ a_b_ _x",
)  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    grid = Grid(
        text, text, ((Title(text),),), (Section(text, (TableRow(text, (TableCell(text, (text,), marks=text),)),)),)
    )
    written = markdown(Page("Title", (text,), (grid,), (text, f"  {text}"), (), {}))
    shown: list[str] = []
    tags: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            tags.add(tag)
            shown.append("")

        def handle_endtag(self, tag: str) -> None:
            shown.append("")

        def handle_data(self, data: str) -> None:
            shown[-1:] = [f"{shown[-1] if shown else ''}{data}"]

    Reader().feed(MarkdownIt().enable(["table", "strikethrough"]).render(written))
    assert tags <= {*["h3", "h4", "p", "table", "thead", "tbody", "tr", "th", "td", "em", "sup", "br", "ul", "li"]}
    assert [each.strip() for each in shown].count(text) == 11, (written, shown)


def test_controls_are_written_out_in_markdown() -> None:
    written = markdown(Page("a\x1b[2J\u202eb", (), (), (), (), {}))
    assert written.splitlines()[0] == r"### a\\x1b\[2J\\u202eb"


def test_latex_takes_no_text_for_an_argument() -> None:
    assert escaped("[2mm] *") == "{[}2mm{]} {*}"
