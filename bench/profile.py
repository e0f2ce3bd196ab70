"""Profile: what a site wants to be told about every job, kept apart from sweeps, which run anywhere."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

from pydantic import TypeAdapter, ValidationError

from bench.errors import UserError
from bench.resources import Natural, Positive, Time
from bench.spec.fault import SpecError, unknown
from bench.spec.source import Source
from bench.validation import Path as Place
from bench.validation import problems

Option = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Site settings of a SLURM cluster; what is left out is up to the cluster's own defaults."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    gpus: Natural = 0
    """GPUs on each node for trials that ask for `gpus: auto`."""
    gpu_type: str | None = None
    """As in `--gpus-per-node=TYPE:N`."""
    time: Time | None = None
    """For sweeps that name none, such as `8h`."""
    memory: Positive | None = None
    """GB on each node, for sweeps that name none."""
    signal_seconds: Positive = 90
    """Seconds before the end of its time at which a job is told to stop."""
    max_array_size: Positive | None = None
    """Where `scontrol show config` can't be asked."""
    setup: list[str] = field(default_factory=list)
    """Shell lines before the worker starts, such as `module load cuda`."""
    options: dict[str, Option] = field(default_factory=dict)
    """Further options of sbatch, by their long names."""


def default_file() -> Path:
    """`~/.config/sambench/profiles.yaml`, or where XDG_CONFIG_HOME says."""
    return Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "sambench" / "profiles.yaml"


def load_profile(name: str | None, file: Path | None = None) -> Profile:
    """The profile `name` of `file`; SpecError with file and line for anything wrong in it.

    Without a name: the file's only profile, or an empty one where there is no file.
    """
    path = file or default_file()
    if name is None and file is None and not path.exists():
        return Profile()
    source = Source.read(path, "profiles are a mapping of names to settings, such as gpu: {partition: a100}")
    found = {key: _profile(source, key, value) for key, value in source.data.items()}
    if source.faults:
        raise SpecError(source.faults)
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name not in found:
        asked = "--profile: say which" if name is None else f"--profile: {unknown('profile', name, found)}"
        raise UserError(f"{asked}; {path} has: {', '.join(found) or 'none'}")
    return found[name]


def _profile(source: Source, name: str, written: Any) -> Profile:
    try:
        return TypeAdapter(Profile).validate_python(written)
    except ValidationError as error:
        for problem in problems(error, written, _unknown_key):
            source.report((name, *problem.path), problem.message, at_key=problem.at_key)
        return Profile()


def _unknown_key(path: Place) -> str:
    return unknown("key", path[-1], [item.name for item in fields(Profile)])
