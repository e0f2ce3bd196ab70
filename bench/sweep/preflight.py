"""Preflight: what a sweep's trials need from this machine, checked before any is queued."""

from __future__ import annotations

from collections.abc import Iterator

from bench import data, models
from bench.data.files.location import DataFiles
from bench.measures import entry as measure_entry
from bench.optimizers import check_installed
from bench.registry import DatasetEntry, TestSetEntry
from bench.sweep import Sweep

_TIMM = "timm/"


def preflight(sweep: Sweep) -> None:
    """UserError unless data sets are there and whole, timm has the models, and optimizers' packages are installed."""
    for files in _files(sweep):
        files.check()
    names = sorted({trial.model for trial in sweep.trials if trial.model.startswith(_TIMM)})
    if names:
        for name in names:
            models.check_timm(name)
    for name in sorted({trial.optimizer for trial in sweep.trials}):
        check_installed(name)


def _files(sweep: Sweep) -> Iterator[DataFiles]:
    entries: list[DatasetEntry | TestSetEntry] = [
        data.entry(name) for name in sorted({trial.dataset for trial in sweep.trials})
    ]
    sets = [measure_entry(measure).test_set for measure in sweep.measures]
    entries += [data.TEST_SETS[name] for name in sets if name]
    for entry in entries:
        files = data.files_of(entry)
        if files is not None:
            yield files
