"""Signature: a click command from a function whose parameters declare its options.

`Annotated[list[Path], Option("--store", help="…")]` is an option that may be repeated; the type tells how its text is
read, and the function's default whether it must be given. Nothing is imported but click, so that commands start fast.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import click

from bench.cli.mistyped import options_explained


class Option:
    """An option: its names, the parameter's own if none is given, its bounds, and what else `click.Option` takes."""

    def __init__(self, *names: str, low: float | None = None, high: float | None = None, **more: Any) -> None:
        self._names, self._low, self._high, self._more = names, low, high, more

    def made(self, name: str, hint: Any, default: Any) -> click.Parameter:
        """What click reads the option by."""
        kind, several = _kind(hint)
        names = self._names or (f"--{name.replace('_', '-')}",)
        more = {"is_flag": True} if kind is bool else {"type": self._type(kind), "multiple": several}
        # A flag that can be turned off tells which way it is.
        shown = default not in (None, False, inspect.Parameter.empty)
        return click.Option(
            [name, *names],
            required=default is inspect.Parameter.empty,
            show_default=shown,
            show_envvar=True,
            **more | _default(default) | self._more,
        )

    def _type(self, kind: type) -> click.ParamType[Any]:
        if self._low is None and self._high is None:
            return _TYPES[kind]
        if kind is int:
            low, high = (None if bound is None else int(bound) for bound in (self._low, self._high))
            return click.IntRange(low, high)
        return click.FloatRange(self._low, self._high)


class Argument:
    """An argument: what stands for it in the usage, and its help."""

    def __init__(self, *, metavar: str, help: str) -> None:
        self._metavar, self._help = metavar, help

    def made(self, name: str, hint: Any, default: Any) -> click.Parameter:
        """What click reads the argument by."""
        kind, several = _kind(hint)
        required = default is inspect.Parameter.empty
        return click.Argument(
            [name],
            required=required,
            type=_TYPES[kind],
            nargs=-1 if several else 1,
            metavar=self._metavar if required else f"[{self._metavar}]",
            help=self._help,
        )


class Command(click.Command):
    """A command that says more of an option that it doesn't have."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with options_explained(ctx):
            return super().parse_args(ctx, args)


def command(*, example: str, name: str | None = None) -> Callable[[Callable[..., None]], click.Command]:
    """Make a function a command; its help is the docstring, and ends with the example."""

    def made(function: Callable[..., None]) -> click.Command:
        hints = get_type_hints(function, include_extras=True)
        parameters, several = [], {}
        for each, parameter in inspect.signature(function).parameters.items():
            hint, told = get_args(hints[each])
            parameters.append(told.made(each, hint, parameter.default))
            if _kind(hint)[1]:
                several[each] = None if parameter.default is inspect.Parameter.empty else parameter.default

        def call(**given: Any) -> None:
            # Lists for click's tuples, and for what isn't given the function's default.
            function(**given | {each: list(given[each]) or default for each, default in several.items()})

        return Command(
            name or function.__name__,
            callback=call,
            params=parameters,
            help=inspect.getdoc(function),
            epilog=f"Example: {example}",
        )

    return made


_TYPES: Mapping[type, click.ParamType[Any]] = {
    str: click.STRING,
    int: click.INT,
    float: click.FLOAT,
    Path: click.Path(path_type=Path),
}


def _kind(hint: Any) -> tuple[type, bool]:
    """The type of one value, and whether there may be several; None stands for what isn't given."""
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    return (get_args(hint)[0], True) if get_origin(hint) is list else (hint, False)


def _default(default: Any) -> dict[str, Any]:
    return {} if default in (None, inspect.Parameter.empty) else {"default": default}
