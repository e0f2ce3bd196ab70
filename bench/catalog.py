"""Catalog: what `data list` and `recipe` print."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.data import DATASETS, TEST_SETS, files_of
from bench.data.fake_names import FORM
from bench.data.location import data_root
from bench.recipes import RECIPES, Recipe


def data_sets() -> RenderableType:
    """Every data set, whether its folder is there, and what it is."""
    table = _table("data set", "there", "what it is")
    for name, entry in (DATASETS | TEST_SETS).items():
        files = files_of(entry)
        there = "with sambench" if files is None else "yes" if files.root.is_dir() else "no"
        table.add_row(name, there, entry.summary)
    table.add_row("folder:PATH", "", "your own train/CLASS/*.jpg beside val/ or test/")
    table.add_row("fake:…", "", f"random images for measuring speed: {FORM}")
    ending = f"Looked for under {data_root()}; --data-root or SAMBENCH_DATA names another folder."
    return Group(table, Text(ending))


def recipes() -> RenderableType:
    """One line per recipe."""
    table = _table("recipe", "what it is for")
    for name, recipe in RECIPES.items():
        table.add_row(name, recipe.summary)
    return table


def recipe(name: str, shown: Recipe) -> RenderableType:
    """Every value with its source; guesses stand out."""
    table = _table("field", "value", "source")
    for field, each in shown.fields.items():
        style = "yellow" if each.guess else ""
        value = f"{each.value:g}" if isinstance(each.value, float) else str(each.value)
        table.add_row(field, value, each.source, style=style)
    guesses = f"{len(shown.guesses)} of them are guesses." if shown.guesses else "None of them is a guess."
    return Group(Text(f"{name}: {shown.summary}", style="bold"), table, Text(guesses))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
