"""What commands that print a page share: formats, files and spreads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from bench.cli.render.terminal import emit, fail, show
from bench.cli.signature import Option

if TYPE_CHECKING:
    from bench.board.page.page import Page

FormatOption = Annotated[
    str, Option("--format", metavar="FORMAT", help="terminal, markdown, csv, latex, html or json.")
]
OutputOption = Annotated[Path | None, Option(metavar="FILE", help="File to write to instead of printing.")]


def _known_spread(_: click.Context, __: click.Parameter, name: str) -> str:
    from bench.board.uncertainty.spread import SPREADS

    check_choice("--spread", "spread", name, SPREADS)
    return name


SpreadOption = Annotated[
    str,
    Option(
        "--spread",
        metavar="NAME",
        help="Spread to show beside a mean: std, sem (standard error), ci95 (Student's t) or bootstrap.",
        callback=_known_spread,
    ),
]


def check_choice(option: str, what: str, name: str, valid: Iterable[str]) -> None:
    """End the command, with the nearest choices, unless the name is one of them."""
    from bench.errors import unknown

    if name not in (known := list(valid)):
        fail(f"{option}: {unknown(what, name, known)}")


def check_format(name: str) -> None:
    """End the command unless pages can be written so."""
    from bench.board.formats import FORMATS

    check_choice("--format", "format", name, ["terminal", *FORMATS])


def print_page(page: Page, format_: str, output: Path | None) -> None:
    """Print a page, or write it to a file."""
    from bench.board.formats import FORMATS, terminal

    if format_ == "terminal" and output is None:
        show(terminal(page))
        return
    # A file can't be a terminal: Markdown reads best as plain text.
    emit(FORMATS["markdown" if format_ == "terminal" else format_](page), output)
