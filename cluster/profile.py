"""Profile: a site's settings for every job, kept apart from sweeps, which run anywhere."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, TypeAdapter, ValidationError

from bench.errors import UserError, unknown
from bench.resources import Natural, Positive, Time
from bench.sweep.file.fault import SpecError
from bench.sweep.file.source import Source
from bench.validation import Path as Place
from bench.validation import problems

_OWN = (
    "array",
    "dependency",
    "error",
    "job-name",
    "open-mode",
    "output",
    "parsable",
    "signal",
    "test-only",
    "wait",
    "wrap",
)
"""Options of sbatch that can't be chosen: queueing and stopping rest on them."""


def _in_one_line(value: str | float | bool) -> str | float | bool:
    if isinstance(value, str) and (not value.isprintable() or not value or "\\" in value):
        raise ValueError("a value of sbatch is one line without control characters and backslashes")
    return value


def _long_name(name: str) -> str:
    if not re.fullmatch("[a-z][a-z0-9]+([-_][a-z0-9]+)*", name):
        raise ValueError("an option of sbatch is written by its long name, such as nodelist or mail-type")
    if name.replace("_", "-") in _OWN:
        raise ValueError("sambench sets this option of sbatch itself")
    return name


Text = Annotated[str, AfterValidator(_in_one_line)]
OptionName = Annotated[str, AfterValidator(_long_name)]
Option = Annotated[str | int | float | bool, AfterValidator(_in_one_line)]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Site settings of a SLURM cluster; what is left out is up to the cluster's own defaults."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    partition: Text | None = None
    account: Text | None = None
    qos: Text | None = None
    constraint: Text | None = None
    gpus: Natural = 0
    """GPUs on each node for trials that ask for `gpus: auto`."""
    gpu_type: Text | None = None
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
    options: dict[OptionName, Option] = field(default_factory=dict)
    """Further options of sbatch, by their long names; true for those without a value, false for none of it."""


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
