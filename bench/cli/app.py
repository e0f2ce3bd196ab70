"""The application that commands register with."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import bench

_ORDER = (
    "sweeps", "plan", "run", "status", "watch", "logs", "cancel", "measure", "board", "rank", "plot", "report", "serve",
    "publish", "query", "schema", "compact", "store", "list", "show", "new", "recipe", "data", "doctor",
)  # fmt: skip


class _InOrderOfUse(TyperGroup):
    """Lists commands as they are needed rather than as their modules are imported."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=_ORDER.index)


app = typer.Typer(
    cls=_InOrderOfUse,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Benchmark sharpness-aware minimization: plan a sweep, run it, read the board.",
    epilog="Example: sambench run sweeps/demo.yaml && sambench board sweeps/demo.yaml",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"sambench {bench.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of the command itself; its help is that of the application."""
