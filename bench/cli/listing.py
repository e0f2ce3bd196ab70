"""The command sweeps: what the sweep files of a folder compare, and what they would cost."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.cli.app import app
from bench.cli.options import DEFAULT_STORES, JsonOption, StoresOption, load_sweep, open_existing
from bench.cli.render.terminal import err, fail, show

if TYPE_CHECKING:
    from bench.estimate import Kind, Pace
    from bench.sweep import Sweep


@dataclass(frozen=True, kw_only=True)
class SweepSummary:
    """One sweep of the list."""

    sweep: str
    title: str
    paper: str | None
    trials: int
    waiting: tuple[str, ...]
    """Sweeps that it chooses ρ from and waits for."""
    gpu_hours: float
    """Of all its trials, whether done or not."""
    measured: int
    """Trials of a kind that the store has measured on a GPU; the others go by the rule of `bench.estimate`."""
    unknown: int
    """Trials that the rule knows nothing of; they are not in `gpu_hours`."""


@app.command(epilog="Example: sambench sweeps")
def sweeps(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the sweep files are.")] = Path("sweeps"),
    store: StoresOption = DEFAULT_STORES,
    as_json: JsonOption = False,
) -> None:
    """List sweep files: title, trials, and the GPU-hours that all of them take."""
    from bench.estimate import measured
    from bench.sweep import SpecError

    files = sorted(folder.glob("*.yaml"))
    if not files:
        fail(f"{folder}: " + ("has no sweep files, NAME.yaml" if folder.is_dir() else "is no folder of sweep files"))
    opened = open_existing(store)
    paces = measured(opened) if opened else {}
    lines, faults = [], []
    for file in files:
        try:
            lines.append(_line(load_sweep(file, None, store), paces))
        except SpecError as error:
            faults.append(str(error))
    if as_json:
        print(json.dumps([asdict(line) for line in lines], indent=1))
    else:
        show(_table(lines))
    if faults:
        err.print("\n".join(faults), style="red", soft_wrap=True)
        raise typer.Exit(2)


def _line(sweep: Sweep, paces: dict[Kind, Pace]) -> SweepSummary:
    from bench.estimate import gpu_seconds, kind

    total, known, unknown = 0.0, 0, 0
    for trial in (*sweep.trials, *sweep.held):
        pace = paces.get(kind(trial))
        if pace and pace.gpus:
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
    )


def _table(lines: list[SweepSummary]) -> RenderableType:
    from bench.estimate import HARDWARE

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("sweep", no_wrap=True)
    table.add_column("title")
    table.add_column("trials", justify="right")
    table.add_column("GPU-hours", justify="right", no_wrap=True)
    for line in lines:
        waits = f" (waits for {', '.join(line.waiting)})" if line.waiting else ""
        table.add_row(line.sweep, line.title + waits, str(line.trials), _hours(line))
    told = f"GPU-hours are for all trials of a sweep. ≈: estimated for {HARDWARE} from the FLOPs of its networks."
    if any(line.measured for line in lines):
        told += " ~: partly by times that the store has measured. No mark: wholly so."
    if any(line.unknown for line in lines):
        told += " ?: some trials aren't counted, because nothing is known of their model or data."
    told += "\nSweeps share trials: what one has run, another finds done."
    return Group(table, Text(told))


def _hours(line: SweepSummary) -> str:
    mark = "" if line.measured == line.trials else "~" if line.measured else "≈"
    unsure = "?" if line.unknown else ""
    hours = f"{line.gpu_hours:,.{0 if line.gpu_hours >= 10 else 1}f}" if line.gpu_hours >= 0.1 else "< 0.1"
    return f"{mark} {hours}{unsure}"
