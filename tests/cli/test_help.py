"""Every command has an example, and what commands share is called and ordered the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.cli import app
from tests.cli.conftest import ON_SWEEPS, Call


def leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Commands that do something, by what the user types."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for each, found in command.commands.items():
        yield from leaves(found, f"{name} {each}")


FOUND = dict(leaves(app, "sambench"))


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


def test_all_commands_are_listed_with_the_first_line_of_their_help(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    told = " ".join(call("--help").out.split())
    places = [told.index(f" {name} {' '.join(first_line(command).split())}") for name, command in app.commands.items()]
    assert places == sorted(places), "in the order of use"


def first_line(command: Any) -> str:
    return str(command.help).partition("\n")[0]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_shown_and_installed_once(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shell: str
) -> None:
    monkeypatch.setenv("SHELL", f"/bin/{shell}")
    monkeypatch.setenv("HOME", str(tmp_path))
    shown = call("--show-completion")
    assert "_SAMBENCH_COMPLETE" in shown.out
    for _ in range(2):
        target = Path(call("--install-completion").out.split()[-1])
        assert target.read_text(encoding="utf-8") + "\n" == shown.out
    readers = [file for file in (tmp_path / ".bashrc", tmp_path / ".zshrc") if file.exists()]
    assert [file.read_text(encoding="utf-8").count(str(target)) for file in readers] == [1] * (shell != "fish")


def test_no_completion_for_a_shell_that_is_not_known(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    told = call("--show-completion")
    assert told.code == 2
    assert "no completion for the shell 'tcsh'; $SHELL has to be one of bash, zsh, fish" in told.err
