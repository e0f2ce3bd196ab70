"""Every command has an example, and what commands share is called and ordered the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from bench.cli import app
from tests.cli.conftest import ON_SWEEPS, Call


def leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Commands that do something, by what the user types."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for each, found in command.commands.items():
        yield from leaves(found, f"{name} {each}")


FOUND = dict(leaves(typer.main.get_command(app), "sambench"))


@pytest.mark.parametrize("name", FOUND)
def test_an_example_that_the_command_takes(name: str) -> None:
    command = FOUND[name]
    assert command.help
    assert command.epilog.startswith(f"Example: {name}")
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in command.epilog.split() if word.startswith("--")} <= known


@pytest.mark.parametrize("name", ON_SWEEPS)
def test_commands_on_sweeps_begin_with_the_same_options(name: str) -> None:
    options = [
        parameter.opts[0] for parameter in FOUND[f"sambench {name}"].params if parameter.opts[0].startswith("--")
    ]
    assert options[:3] == ["--store", "--set", "--smoke"]


def test_an_option_has_one_help_text() -> None:
    texts: dict[str, set[str]] = {}
    for command in FOUND.values():
        for parameter in command.params:
            if parameter.opts[0] in ("--set", "--smoke", "--where", "--metric", "--json", "--data-root"):
                texts.setdefault(parameter.opts[0], set()).add(parameter.help)
    assert {name: len(found) for name, found in texts.items()} == dict.fromkeys(texts, 1)


def test_help_is_shown(call: Call) -> None:
    told = call("board", "--help")
    assert told.code == 0
    assert "Example: sambench board" in told.out
