"""Options that commands share, each written once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import click

from bench.cli.render.terminal import fail
from bench.cli.signature import Argument, Option

SweepArgument = Annotated[
    Path, Argument(metavar="SWEEP", help="Sweep file or name; `demo` is `sweeps/demo.yaml`, here or as installed.")
]
TrialsArgument = Annotated[
    str, Argument(metavar="SWEEP|TRIAL", help="Sweep file or name, or the first characters of a trial id.")
]
"""Of commands that are as often about one trial as about those of a sweep."""


def _only_one(context: click.Context, _: click.Parameter, stores: tuple[Path, ...]) -> tuple[Path, ...]:
    if len(stores) != 1:
        named = ", ".join(map(str, stores))
        fail(
            f"--store: {context.command_path} takes one store, not {len(stores)}: {named}; "
            "`sambench store merge` makes one of several"
        )
    return stores


StoreOption = Annotated[
    list[Path],
    Option(
        "--store",
        metavar="FOLDER",
        envvar="SAMBENCH_STORE",
        help="Store: the folder that holds the results.",
        callback=_only_one,
    ),
]
"""Of commands that write; a list of one, so that a second is noticed."""
StoresOption = Annotated[
    list[Path],
    Option(
        "--store",
        metavar="FOLDER",
        envvar="SAMBENCH_STORE",
        help="Store to read, or a published bundle (also at s3://… or hf://…); repeat to read several as one.",
    ),
]
"""Of commands that read."""
DEFAULT_STORES = [Path("store")]
SetOption = Annotated[
    list[str] | None,
    Option(
        "--set", metavar="FIELD=VALUE", help="Override a field throughout the sweep, such as `seed=1`; may be repeated."
    ),
]
WhereOption = Annotated[
    list[str] | None,
    Option(
        "--where",
        metavar="FIELD=VALUE",
        help="Only trials with this value, such as `variant=sam`; repeat a field for alternatives.",
    ),
]
MetricOption = Annotated[
    str | None,
    Option(
        "--metric",
        metavar="MEASURE",
        help="Measure to show, or a cost such as `train_s`; default: the sweep's first measure.",
    ),
]
MaxTrialsOption = Annotated[
    int | None,
    Option("--max-trials", low=1, metavar="N", help="Allow a sweep of up to N trials; default: one million."),
]
JsonOption = Annotated[bool, Option("--json", help="Print JSON.")]
SmokeOption = Annotated[
    bool, Option("--smoke", help="Shrink the sweep to seconds on a CPU: tiny random images, one epoch.")
]


def _use_data_root(_: click.Context, __: click.Parameter, root: Path | None) -> Path | None:
    if root is not None:
        # Through the environment, so that workers in other processes find it too.
        os.environ["SAMBENCH_DATA"] = str(root.absolute())
    return root


DataRootOption = Annotated[
    Path | None,
    Option(
        "--data-root",
        metavar="FOLDER",
        callback=_use_data_root,
        help="Folder with the data sets; default: $SAMBENCH_DATA, else data/.",
    ),
]


def read_metric(name: str | None) -> str | None:
    """`--metric`, written in the one way."""
    from bench.board.metric import metric_of
    from bench.errors import UserError

    try:
        return None if name is None else metric_of(name).name
    except UserError as error:
        fail(f"--metric: {error}")
