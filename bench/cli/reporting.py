"""The command report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.app import app
from bench.cli.options import DEFAULT_STORES, MaxTrialsOption, SetOption, SmokeOption, StoresOption, load_told, open_all
from bench.terminal import tell


@app.command(epilog="Example: sambench report sweeps/demo.yaml --output out/demo.html")
def report(
    sweeps: Annotated[list[Path], typer.Argument(metavar="SWEEP...", help="Sweep files, a chapter each.")],
    store: StoresOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    output: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")] = Path("out/report.html"),
) -> None:
    """Write one HTML page that needs no network: words, boards, interactive charts, provenance, logs."""
    from bench.report import write_report

    loaded = [load_told(sweep, set_, store, smoke=smoke, max_trials=max_trials) for sweep in sweeps]
    ready = [sweep for sweep in loaded if sweep.trials]
    if not ready:
        return
    write_report(open_all(store), ready, output)
    tell(f"wrote {output}")
