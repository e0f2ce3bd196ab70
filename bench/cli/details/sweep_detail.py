"""Sweep detail: what a sweep compares, what it is for, what it costs, and how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from bench.cli.commands.listing import sweep_line
from bench.cli.details.detail import Detail, listed, pairs
from bench.cli.loading import describe_waits, find_states, load_sweep, open_existing
from bench.cli.render import overview
from bench.cli.render.sweep_list import SweepSummary, hours
from bench.cli.render.usage import as_yaml
from bench.estimate import HARDWARE, measured
from bench.papers.sam_on.exhibits import EXHIBITS
from bench.sweep import Sweep
from bench.sweep.file.lookup import sweep_file
from bench.sweep.varying import values_of
from bench.trial import DEFAULTS


def sweep_details(name: str, stores: Sequence[Path]) -> Iterator[Detail]:
    """The sweep of this name or file, if there is one; SpecError with all of its faults."""
    if not is_sweep(name):
        return
    sweep = load_sweep(Path(name), None, stores)
    counts = Counter(str(state.status) for state in find_states(stores, sweep).values())
    opened = open_existing(stores)
    line = sweep_line(sweep, measured(opened, on_gpus=True) if opened else {})
    values = values_of((*sweep.trials, *sweep.held))
    record = {
        "kind": "sweep",
        **_described(sweep),
        "axes": {field: found for field, found in values.items() if len(found) > 1},
        "fixed": {f: v[0] for f, v in values.items() if len(v) == 1 and v[0] not in (None, DEFAULTS.get(f))},
        **{key: value for key, value in asdict(line).items() if key in ("trials", "gpu_hours", "unknown")},
        "states": {status: counts[status] for status in overview.STATUSES},
    }
    waits = "\n".join(describe_waits(sweep, stores))
    yield Detail(record, list(_parts(record, line, waits)))


def is_sweep(name: str) -> bool:
    """Whether a sweep file is called so; a file or folder of another kind that is called like a method isn't meant."""
    file = sweep_file(Path(name))
    return file.suffix in (".yaml", ".yml") and file.exists()


def _described(sweep: Sweep) -> dict[str, Any]:
    return {
        "name": sweep.name,
        "file": str(sweep.file),
        "title": sweep.title,
        "about": _comment(sweep.file),
        "recipe": sweep.recipe,
        "exhibits": [exhibit.name for exhibit in EXHIBITS if sweep.name in exhibit.sweeps],
        "commands": [view.command for each in EXHIBITS for view in each.views if view.sweep == sweep.name],
        "measures": list(sweep.measures),
        "notes": list(sweep.notes),
    }


def _comment(file: Path) -> str:
    """What the file says of itself before it begins."""
    lines = file.read_text(encoding="utf-8").splitlines()
    count = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return " ".join(line.lstrip("# ").strip() for line in lines[:count])


def _parts(record: dict[str, Any], line: SweepSummary, waits: str) -> Iterator[RenderableType]:
    yield Text(record["title"])
    if record["about"]:
        yield Text(record["about"], style="dim")
    yield pairs(_told(record, line))
    yield Text("varies", style="bold")
    yield pairs((field, listed(values)) for field, values in record["axes"].items())
    if record["notes"] or waits:
        yield Text("\n".join(filter(None, ["notes", *record["notes"], waits])))


def _told(record: dict[str, Any], line: SweepSummary) -> Iterator[tuple[str, str]]:
    yield "file", record["file"]
    yield "shows", ", ".join(record["exhibits"])
    yield "commands", "\n".join(record["commands"])
    yield "recipe", record["recipe"] or ""
    yield "measures", ", ".join(record["measures"])
    states = ", ".join(f"{count} {status}" for status, count in record["states"].items() if count)
    yield "trials", f"{record['trials']:,}" + (f": {states}" if states else "")
    yield "GPU-hours", f"{hours(line).strip()}, {_by(line)}"
    yield "fixed", ", ".join(f"{field} {as_yaml(value)}" for field, value in record["fixed"].items())


def _by(line: SweepSummary) -> str:
    if line.measured == line.trials:
        return "as measured"
    told = "partly measured, partly " if line.measured else ""
    missing = f"; of {line.unknown} trials nothing is known" if line.unknown else ""
    return f"{told}estimated for {HARDWARE.partition(' (')[0]}{missing}"
