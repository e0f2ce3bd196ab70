"""The command report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.app import app
from bench.cli.options import DEFAULT_STORE, SetOption, SmokeOption, StoreOption, load_ready
from bench.terminal import tell


@app.command(epilog="Example: sambench report sweeps/demo.yaml --output out/demo.html")
def report(
    sweeps: Annotated[list[Path], typer.Argument(metavar="SWEEP...", help="Sweep files, a chapter each.")],
    store: StoreOption = DEFAULT_STORE,
    set_: SetOption = None,
    output: Annotated[Path, typer.Option(help="File to write.")] = Path("out/report.html"),
    smoke: SmokeOption = False,
) -> None:
    """Write one HTML page that needs no network: words, boards, interactive charts, provenance, logs."""
    from bench.report import write_report
    from bench.store import Store

    write_report(Store.open(store), [load_ready(sweep, set_, store, smoke=smoke) for sweep in sweeps], output)
    tell(f"wrote {output}")
