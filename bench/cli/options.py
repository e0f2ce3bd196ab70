"""What commands share: their options, and how a sweep and its states are loaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.terminal import fail

if TYPE_CHECKING:
    from bench.spec import Sweep
    from bench.store import State

SweepArgument = Annotated[
    Path, typer.Argument(metavar="SWEEP", help="Sweep file; `demo` is short for `sweeps/demo.yaml`.")
]
StoreOption = Annotated[Path, typer.Option("--store", envvar="SAMBENCH_STORE", help="Folder of the results.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Replace a field of the sweep, such as `seed=1`."),
]
DEFAULT_STORE = Path("store")


def _use_data_root(root: Path | None) -> Path | None:
    if root is not None:
        # Through the environment, so that workers in other processes find it too.
        os.environ["SAMBENCH_DATA"] = str(root.absolute())
    return root


DataRootOption = Annotated[
    Path | None,
    typer.Option(
        "--data-root", callback=_use_data_root, help="Folder of the data sets; default: $SAMBENCH_DATA, else data/."
    ),
]


def load_sweep(sweep: Path, overrides: list[str] | None) -> Sweep:
    from bench.spec import load

    named = Path("sweeps") / f"{sweep}.yaml"
    file = named if not sweep.exists() and not sweep.suffix and named.exists() else sweep
    pairs = [text.partition("=") for text in overrides or ()]
    for field, equals, _ in pairs:
        if not equals or not field:
            fail(f"--set {field}: write FIELD=VALUE, such as --set seed=1")
    return load(file, {field: value for field, _, value in pairs})


def find_states(store: Path, sweep: Sweep) -> dict[str, State]:
    from bench.store import State, Store, states

    if not Store.exists(store):
        return {trial.trial_id: State(status="missing") for trial in sweep.trials}
    return states(Store.open(store), [trial.trial_id for trial in sweep.trials], sweep.retries)
