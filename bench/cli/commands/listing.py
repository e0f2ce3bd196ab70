"""The command sweeps: the paper's tables and figures, and what the sweeps of a folder compare and cost."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from click.exceptions import Exit

from bench.cli.loading import load_sweep, open_existing
from bench.cli.options import DEFAULT_STORES, JsonOption, StoresOption
from bench.cli.render.terminal import complain, fail, show
from bench.cli.signature import Argument, command

if TYPE_CHECKING:
    from bench.cli.render.sweep_list import ExhibitRow, SweepSummary
    from bench.estimate import Kind, Pace
    from bench.sweep import Sweep


@command(example="sambench sweeps")
def sweeps(
    folder: Annotated[
        Path | None,
        Argument(metavar="FOLDER", help="Folder with sweep files; default: `sweeps/` and the installed sweeps."),
    ] = None,
    store: StoresOption = DEFAULT_STORES,
    as_json: JsonOption = False,
) -> None:
    """List the paper's tables and figures and the sweeps that reproduce them, with GPU-hours and guesses."""
    from bench.cli.render import sweep_list
    from bench.estimate import measured
    from bench.sweep import SpecError
    from bench.sweep.file.lookup import all_sweeps

    files = all_sweeps() if folder is None else sorted(folder.glob("*.yaml"))
    if folder is not None and not files:
        fail(f"{folder}: " + ("has no sweep files, NAME.yaml" if folder.is_dir() else "isn't a folder"))
    opened = open_existing(store)
    paces = measured(opened, on_gpus=True) if opened else {}
    loaded, faults = [], []
    for file in files:
        try:
            loaded.append(load_sweep(file, None, store))
        except SpecError as error:
            faults.append(str(error))
    lines = [sweep_line(sweep, paces) for sweep in loaded]
    paper = sweep_list.rows(lines, {sweep.name: sweep.trials for sweep in loaded})
    if as_json:
        print(
            json.dumps({"paper": [_record(row) for row in paper], "sweeps": [asdict(each) for each in lines]}, indent=1)
        )
    else:
        show(sweep_list.listing(paper, lines))
    if faults:
        complain("\n".join(faults))
        raise Exit(2)


def _record(row: ExhibitRow) -> dict[str, Any]:
    exhibit = row.exhibit
    told = {"name": exhibit.name, "shows": exhibit.shows, "instead": exhibit.instead, "new_trials": row.new}
    return told | {"sweeps": exhibit.sweeps, "commands": [view.command for view in exhibit.views]}


def sweep_line(sweep: Sweep, paces: dict[Kind, Pace]) -> SweepSummary:
    """What the list says of a sweep, with the cost that its trials have had or are estimated to have."""
    from bench.cli.render.sweep_list import SweepSummary
    from bench.estimate import gpu_seconds, kind

    total, known, unknown = 0.0, 0, 0
    for trial in (*sweep.trials, *sweep.held):
        pace = paces.get(kind(trial))
        if pace:
            total += pace.seconds * pace.gpus * trial.total_epochs
            known += 1
        elif (seconds := gpu_seconds(trial)) is not None:
            total += seconds
        else:
            unknown += 1
    return SweepSummary(
        sweep=sweep.name,
        title=sweep.title,
        paper=sweep.paper,
        trials=len(sweep.trials) + len(sweep.held),
        waiting=tuple(dict.fromkeys(wait.sweep for wait in sweep.waits)),
        gpu_hours=total / 3600,
        measured=known,
        unknown=unknown,
        guesses=sweep.guessed,
    )
