"""Doctor: can this machine run sweeps?"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from bench.cli.packages import OURS, REMEDY, foreign
from bench.cores import look, warning
from bench.resources import has_units_for

_PATIENCE = 30.0
"""Seconds that a command has to answer."""


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at."""

    subject: str
    ok: bool
    """False only for what keeps sweeps from running here."""
    text: str
    limited: bool = False
    """Something doesn't work that sweeps can do without."""


class Unusable(RuntimeError):
    """Something that sweeps can do without."""


def examine(store: Path) -> list[Diagnosis]:
    """Look at everything; a check that breaks is a finding, not the end."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("Python", _python),
        ("packages", _packages),
        ("torch", _torch),
        ("cores", _cores),
        ("Ray", lambda: f"{version('ray')}"),
        ("SLURM", _slurm),
        ("store", lambda: _store(store)),
    )
    return [_finding(subject, check) for subject, check in checks]


def render(findings: list[Diagnosis]) -> Table:
    """The findings as a table."""
    table = Table(box=box.SIMPLE, show_header=False)
    for finding in findings:
        good = Text("note", style="yellow") if finding.limited else Text("ok", style="green")
        mark = good if finding.ok else Text("FAULT", style="bold red")
        table.add_row(mark, finding.subject, Text(finding.text, overflow="fold"))
    return table


def _finding(subject: str, check: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(subject, True, check())
    except Unusable as error:
        return Diagnosis(subject, True, str(error), limited=True)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        return Diagnosis(subject, False, str(error))


def _python() -> str:
    return f"{platform.python_version()} at {sys.executable}"


def _packages() -> str:
    """The command runs its own all the same; a program that imports them gets what is found first."""
    others = [f"{other} for `{name}`" for name in ("bench", "cluster") if (other := foreign(name))]
    if others:
        raise Unusable(f"programs of your own that import sambench would get {' and '.join(others)}: {REMEDY}")
    return f"bench and cluster from {OURS}"


def _torch() -> str:
    import torch

    if not torch.cuda.is_available():
        alone = f"{torch.__version__}, no GPU: trials run on the CPU, one thread each"
        if not has_units_for("bfloat16"):
            alone += "; no bfloat16 units, so `precision: bfloat16` and `fast: true` would be emulated and slow"
        return alone
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return f"{torch.__version__}, CUDA {torch.version.cuda}, {len(names)} GPUs: {', '.join(names)}"


def _cores() -> str:
    """As trials on the processor find them: one thread on each, unless a sweep says otherwise."""
    cores = look()
    if told := warning(1, cores.allowed, cores):
        raise Unusable(told)
    return cores.text


def _slurm() -> str:
    """Whether its commands work, and a cluster answers them: without one, sweeps still run by the other launchers."""
    if shutil.which("sinfo") is None:
        return "not on this machine"
    there = _ask("sinfo", "--version")
    cluster = _ask("sinfo", "--noheader", "--format=%P")
    return f"{there}; partitions: {', '.join(dict.fromkeys(cluster.split())) or 'none'}"


def _ask(*command: str) -> str:
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unusable(f"--on slurm can't be used here: {error}") from error
    if answer.returncode:
        said = " ".join(f"{answer.stderr} {answer.stdout}".split()) or "it says nothing"
        raise Unusable(f"--on slurm can't be used here: {command[0]} ended with code {answer.returncode}: {said}")
    return answer.stdout.strip()


def _store(path: Path) -> str:
    from bench.store import Store, StoreError

    if not Store.exists(path):
        # Where it will be made: in the folder itself, such as an empty volume, or in the nearest one above it.
        folder = next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise RuntimeError(f"{folder} is not writable: name another folder with --store")
        return f"{path.absolute()} can be created"
    try:
        Store.create(path)
    except StoreError as error:
        raise RuntimeError(str(error)) from error
    return f"{path.absolute()} is writable"
