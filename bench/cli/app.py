"""The application: the commands and where they are; a command's module is imported when it is called."""

from __future__ import annotations

import click

import bench
from bench.cli.completion import COMPLETION
from bench.cli.lazy import Commands


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        print(f"sambench {bench.__version__}")
        context.exit()


app = Commands(
    "sambench",
    {
        "sweeps": "bench.cli.commands.listing:sweeps",
        "plan": "bench.cli.commands.running:plan",
        "run": "bench.cli.commands.running:run",
        "status": "bench.cli.commands.operating:status",
        "watch": "bench.cli.commands.operating:watch",
        "logs": "bench.cli.commands.operating:logs",
        "cancel": "bench.cli.commands.operating:cancel",
        "measure": "bench.cli.commands.measuring:measure",
        "board": "bench.cli.commands.reading:board",
        "rank": "bench.cli.commands.ranking:rank",
        "plot": "bench.cli.commands.reading:plot",
        "report": "bench.cli.commands.reading:report",
        "serve": "bench.cli.commands.reading:serve",
        "publish": "bench.cli.commands.publishing:publish",
        "query": "bench.cli.commands.reading:query",
        "schema": "bench.cli.commands.storing:schema",
        "compact": "bench.cli.commands.storing:compact",
        "store": Commands(
            "store",
            {
                "merge": "bench.cli.commands.storing:merge",
                "export": "bench.cli.commands.storing:export",
                "check": "bench.cli.commands.storing:check",
                "forget": "bench.cli.commands.storing:forget",
            },
            help="Merge, export and check stores; delete trials.",
        ),
        "list": "bench.cli.commands.data:list_",
        "show": "bench.cli.commands.showing:show_",
        "new": "bench.cli.commands.new:new",
        "recipe": "bench.cli.commands.data:recipe",
        "data": Commands(
            "data",
            {"get": "bench.cli.commands.data:get", "check": "bench.cli.commands.data:check"},
            help="Download and check data sets (`sambench list data` lists them).",
        ),
        "doctor": "bench.cli.commands.running:doctor",
    },
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version and exit.",
        ),
        *COMPLETION,
    ],
    help="Benchmark sharpness-aware minimization: plan a sweep, run it, read the leaderboard.",
    epilog="Example: sambench run sweeps/demo.yaml && sambench board sweeps/demo.yaml",
)
"""In the order of use, in which `--help` lists them."""
