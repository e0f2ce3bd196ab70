"""Lazy: a group of commands that are imported when called, and listed from their source without importing."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, MutableMapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from bench.cli.mistyped import no_command, options_explained

_SETTINGS = {"max_content_width": 100, "help_option_names": ["-h", "--help"]}


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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with options_explained(ctx):
            return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self._places:
            ctx.fail(no_command(args[0], self._all_names(), ctx.command_path))
        return super().resolve_command(ctx, args)

    def _all_names(self) -> Iterator[str]:
        """Every command, those of groups by both words."""
        for name, place in self._places.items():
            yield name
            if isinstance(place, Commands):
                yield from (f"{name} {inner}" for inner in place._places)

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
