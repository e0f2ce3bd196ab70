"""Lookup: the file that a sweep's name refers to, in the current folder's `sweeps/` or among those installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bench.errors import nearest
from bench.sweep.file.text import yaml_files

HERE = Path("sweeps")
INSTALLED = Path(__file__).resolve().parent.parent.parent / "sweeps"
"""In a checkout a link to its `sweeps/`; in a wheel the files themselves."""


def sweep_file(named: Path) -> Path:
    """The file that `demo` or `sweeps/demo.yaml` stands for; any other path stands for itself, as does a file."""
    # `os.path`, because a name that is too long is simply not there.
    if os.path.exists(named) or not _is_name(named):
        return named
    return next(_places(named.name), _not_there(named))


def chosen_file(name: str, beside: Path) -> Path:
    """The file that a sweep in the folder `beside` means by another's name: there, else as on the command line."""
    file = beside / name
    if file.suffix not in (".yaml", ".yml"):
        file = file.parent / f"{file.name}.yaml"
    if os.path.exists(file) or len(Path(name).parts) != 1:
        return file
    return next(_places(file.name), file)


def all_sweeps() -> list[Path]:
    """The sweep files of both folders, by name; an installed one only where none here is called so."""
    return sorted(
        ({each.name: each for folder in (INSTALLED, HERE) for each in yaml_files(folder)}).values(), key=_stem
    )


def _not_there(named: Path) -> Path:
    """The path to report as missing: in a folder with a similar name, else in the first folder that has sweeps."""
    places = [HERE / _with_suffix(named.name), named, INSTALLED / _with_suffix(named.name)]
    there = {file: [each.stem for each in yaml_files(file.parent)] for file in places}
    return next((file for file in places if nearest(file.stem, there[file])), next(filter(there.get, places), named))


def _stem(file: Path) -> str:
    return file.stem


def _is_name(named: Path) -> bool:
    return (len(named.parts) == 1 and not named.suffix) or named.parent == HERE


def _with_suffix(name: str) -> str:
    return name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"


def _places(name: str) -> Iterator[Path]:
    return (file for folder in (HERE, INSTALLED) if os.path.exists(file := folder / _with_suffix(name)))
