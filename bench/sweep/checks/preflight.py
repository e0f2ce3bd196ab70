"""Preflight: what a sweep's trials need from this machine, checked before any is queued."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench import data
from bench.data.files.location import DataFiles
from bench.data.text.text_files import TextFiles
from bench.measures import entry as measure_entry
from bench.optim.registry import check_installed
from bench.registry import DatasetEntry, TestSetEntry
from bench.sweep import Sweep

_TOLD = 5
"""Folders of a data set that are listed, at most, where files in them were skipped."""


def preflight(sweep: Sweep) -> list[str]:
    """UserError unless data sets are complete, batches hold a sentence, and the packages of optimizers are installed.

    Returns a line for each class of a data set of which files are skipped.
    """
    left_out = [line for files in _files(sweep) for line in told_of(files.name, files.check())]
    for name, tokens in sorted({(trial.dataset, trial.batch_size) for trial in sweep.trials}):
        files = data.files_of(data.entry(name))
        if isinstance(files, TextFiles):
            files.check_batch(tokens)
    for name in sorted({trial.optimizer for trial in sweep.trials}):
        check_installed(name)
    return left_out


def told_of(name: str, left_out: Sequence[str]) -> list[str]:
    """The first lines about skipped files of a data set, and how many more there are."""
    lines = [f"{name}: {line}" for line in left_out[:_TOLD]]
    if len(left_out) > _TOLD:
        lines.append(f"{name}: {len(left_out)} folders in all; see `sambench data check {name}`")
    return lines


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
