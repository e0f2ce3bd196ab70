"""Mistyped: errors for unknown commands and options, better than click's guesses by spelling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click

from bench.errors import meant


@contextmanager
def options_explained(context: click.Context) -> Iterator[None]:
    """An unknown option is told with those near it, and a field of trials with the option that sets it."""
    try:
        yield
    except click.NoSuchOption as error:
        known = [name for each in context.command.get_params(context) for name in each.opts if name.startswith("--")]
        context.fail(f"No such option: {error.option_name}{_field_hint(error.option_name, known)}")


def _field_hint(option: str, known: list[str]) -> str:
    name = option.lstrip("-").replace("-", "_")
    if "--set" in known:
        from bench.sweep.fields import AXES

        if name in AXES:
            return f"; write --set {name}=VALUE, or change the sweep"
    return meant(option, known)


def no_command(name: str, commands: Iterable[str], path: str) -> str:
    """The message for a command that there isn't; `commands` has those of groups by both words."""
    if name.endswith((".yaml", ".yml")):
        return f"{name!r} is no command; write what to do with it: {path} run {name}"
    commands = list(commands)
    inner = [each for each in commands if each.endswith(f" {name}")]
    near = f"; did you mean {inner[0]}" if inner else meant(name, commands)
    return f"No such command {name!r}{near}; `{path} --help` lists them"
