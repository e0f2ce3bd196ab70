"""Completion: the options that print and install shell completion."""

from __future__ import annotations

import os
from pathlib import Path

import click

_VARIABLE = "_SAMBENCH_COMPLETE"
_FILES = {
    "bash": (".bash_completions/sambench.sh", ".bashrc", "source '{}'"),
    "zsh": (".zfunc/_sambench.zsh", ".zshrc", "source '{}'"),
    "fish": (".config/fish/completions/sambench.fish", None, ""),
}
"""Shell → the file of the completion; the one that is to read it, unless the shell does by itself; the line there."""


def _script(context: click.Context) -> tuple[str, str]:
    """The user's shell, and how it completes."""
    from click.shell_completion import get_completion_class

    shell = Path(os.environ.get("SHELL", "")).name
    found = get_completion_class(shell)
    if shell not in _FILES or found is None:
        context.fail(f"no completion for the shell {shell!r}; $SHELL has to be one of {', '.join(_FILES)}")
    return shell, found(context.command, {}, "sambench", _VARIABLE).source()


def _show(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(_script(context)[1])
        context.exit()


def _install(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    shell, script = _script(context)
    place, reader, line = _FILES[shell]
    target = Path.home() / place
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(script, encoding="utf-8")
    if reader is not None:
        _add_line(Path.home() / reader, line.format(target))
    click.echo(f"{shell} completes `sambench` from its next start on: {target}")
    context.exit()


def _add_line(file: Path, line: str) -> None:
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if line not in text.splitlines():
        # Appended, so that what the user has there is safe, whatever happens meanwhile.
        with file.open("a", encoding="utf-8") as end:
            end.write(f"{line}\n" if not text or text.endswith("\n") else f"\n{line}\n")


def _flag(name: str, callback: object, text: str) -> click.Option:
    return click.Option([name], is_flag=True, is_eager=True, expose_value=False, callback=callback, help=text)


COMPLETION = (
    _flag("--install-completion", _install, "Install completion for the current shell."),
    _flag("--show-completion", _show, "Show completion for the current shell, to copy it or customize it."),
)
