"""Lazy: a group of commands that are imported when they are called, and listed without that, from their source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, MutableMapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

_SETTINGS = {"max_content_width": 100}


class Commands(click.Group):
    """A group of commands, each by `module:attribute`, and of groups of such; in the order that they are given in."""

    def __init__(self, name: str, places: Mapping[str, str | click.Command], **more: Any) -> None:
        super().__init__(name, no_args_is_help=True, context_settings=_SETTINGS, **more)
        self._places = places
        self.commands = _Imported(places)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._places)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_line(place)) for name, place in self._places.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # As a shell tells of it, where click would end with 1.
            ctx.exit(130)


class _Imported(MutableMapping[str, click.Command]):
    """Name → command, imported when it is asked for."""

    def __init__(self, places: Mapping[str, str | click.Command]) -> None:
        self._places = dict(places)

    def __getitem__(self, name: str) -> click.Command:
        place = self._places[name]
        if isinstance(place, str):
            module, _, attribute = place.partition(":")
            place = self._places[name] = getattr(import_module(module), attribute)
        return place

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._places[name] = command

    def __delitem__(self, name: str) -> None:
        del self._places[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _first_line(place: str | click.Command) -> str:
    """The first line of the command's docstring, read from its module's source."""
    if isinstance(place, click.Command):
        return place.help or ""
    module, _, attribute = place.partition(":")
    return _first_lines(module)[attribute]


@cache
def _first_lines(module: str) -> dict[str, str]:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    statements = ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body
    functions = (statement for statement in statements if isinstance(statement, ast.FunctionDef))
    return {each.name: (ast.get_docstring(each) or "").partition("\n")[0] for each in functions}
