"""README of a bundle: what each of its files is, and how to read it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import bench
from bench.sweep import Sweep


@dataclass(frozen=True)
class SweepOptions:
    """With which options the sweeps were read, for whoever reads them again."""

    set_: Sequence[str] = ()
    where: Sequence[str] = ()

    @property
    def typed(self) -> str:
        """As they are typed."""
        given = [*(f"--set {shlex.quote(each)}" for each in self.set_)]
        return "".join(f" {each}" for each in (*given, *(f"--where {shlex.quote(each)}" for each in self.where)))


def readme(sweeps: Sequence[Sweep], searched: Sequence[Sweep], done: int, options: SweepOptions, outputs: int) -> str:
    """The page, as Markdown."""
    first = sweeps[0].name
    lines = [f"# {' · '.join(sweep.title for sweep in sweeps)}", "", _summary(sweeps, searched, done), ""]
    lines += ["| file | what it is |", "|---|---|", *(f"| {file} | {what} |" for file, what in _files(outputs)), ""]
    lines += [
        "## To read it",
        "",
        *_code("python", _PYTHON),
        *_code("sh", _SHELL.format(name=first, more=options.typed)),
    ]
    return "\n".join([*lines, _KEPT, ""])


def _summary(sweeps: Sequence[Sweep], searched: Sequence[Sweep], done: int) -> str:
    told = f"{done} done trials of {_listed(sweep.name for sweep in sweeps)}"
    told += f", with those of {_listed(sweep.name for sweep in searched)}, which ρ was chosen from" if searched else ""
    return f"{told}. Published by sambench {bench.__version__}. Whoever uses it finds what to cite in `citations.bib`."


def _files(outputs: int) -> Iterable[tuple[str, str]]:
    yield (
        "`results.parquet`",
        "results, one row per trial: its fields, how it was trained, and each measure as a column",
    )
    yield "`columns.csv`", "what each of its columns means"
    yield (
        "`boards/`",
        "the leaderboard of each sweep as Markdown and as CSV; beside the paper's numbers, where it has some",
    )
    yield "`report.html`", "all of it as a page with charts, which needs no network"
    yield "`sweeps/`", "the sweep files: what was trained, and what each board compares"
    yield (
        "`environment/versions.csv`",
        "versions, devices and commits that the results were made with, and how many were",
    )
    yield "`environment/requirements.txt`", "those of most results, to be installed again"
    yield "`environment/code.json`", "fingerprint of each part of the code that made them"
    yield "`citations.bib`, `CITATION.cff`", "sambench and the papers whose methods are compared"
    kept = f"outputs of {outputs} models for each test image: `outputs.parquet`" if outputs else "no outputs were kept"
    yield "`trials/ID/`", f"what a trial is; {kept}"
    yield "`compact/`, `plugins/`, `store.json`", "the same results with attempts and histories, as sambench reads them"
    yield "`bundle.json`", "which trials belong to which sweep"
    yield "`SHA256SUMS`", "checksums of all these"


def _code(language: str, text: str) -> list[str]:
    return [f"```{language}", text.strip(), "```", ""]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


_PYTHON = """
import pandas

results = pandas.read_parquet("results.parquet")
results[results.outcome == "done"].groupby(["variant", "scope", "rho"], dropna=False).test_accuracy.mean()
"""

_SHELL = """
sha256sum -c SHA256SUMS
sambench board sweeps/{name}.yaml --store .{more}
sambench query "SELECT variant, scope, avg(test_accuracy) FROM results GROUP BY ALL" --store .
"""

_KEPT = """Machines are numbered, process ids left out, and paths in messages shortened to their last part. Names of
devices, operating systems, versions and commits are kept, and so are times, since results are judged by them; so is the
path in the name of a data set or model that a sweep gave as one."""
