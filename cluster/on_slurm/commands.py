"""SLURM's own commands, as a hint: what they can't say is unknown, never false."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from bench.errors import UserError

_PATIENCE = 30.0
_DEFAULTS = ("SLURM", "SBATCH_", "SQUEUE_", "SACCT_", "SCANCEL_", "SCONTROL_", "SRUN_", "SALLOC_")
"""How variables begin that change what SLURM's commands do: the user's defaults, or the job that this runs in."""
_ADDRESS = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT")
"""Those that say where the cluster is, and who asks."""


class SlurmError(UserError):
    """SLURM refused, in its own words, or isn't there."""


class Queued(NamedTuple):
    """An element of the queue."""

    state: str
    """In lower case, such as `pending`."""
    node: str
    name: str
    """Of its job."""


def require() -> None:
    """SlurmError where there is no SLURM."""
    if shutil.which("sbatch") is None:
        raise SlurmError("no sbatch on this machine: run on a login node of the cluster, or --on ray or inline")


def environment() -> dict[str, str]:
    """Ours, without what would change the answers of SLURM's commands, or the jobs that are queued from here."""
    return {key: value for key, value in os.environ.items() if key in _ADDRESS or not key.startswith(_DEFAULTS)}


def ask(*command: str) -> str:
    """What a command prints; SlurmError with every line of its words if it fails."""
    try:
        answer = subprocess.run(
            command,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlurmError(f"{command[0]}: {error}") from error
    if answer.returncode:
        raise SlurmError(_words(command[0], f"{answer.stderr}\n{answer.stdout}"))
    return answer.stdout


def submit(script: Path, name: str) -> str:
    """Queue a batch script of a job array; the array's number, whatever else the site prints."""
    said = ask("sbatch", "--parsable", str(script))
    numbers = set(re.findall(r"^\s*(\d+)(?:;\S*)?\s*$", said, flags=re.MULTILINE))
    if len(numbers) != 1:
        # The array is in the queue all the same, under a name that no other has.
        numbers = {element.partition("_")[0] for element, queued in queue().items() if queued.name == name}
    if len(numbers) != 1:
        raise SlurmError(_words("sbatch", f"no number of a job in its answer:\n{said}"))
    return numbers.pop()


def max_array_size(fallback: int | None) -> int:
    """Elements that one job array may have: one less than MaxArraySize, which caps their numbers."""
    if fallback is not None:
        return max(1, fallback)
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", ask("scontrol", "show", "config"))
    return max(1, int(found.group(1)) - 1) if found else 1000


def queue() -> dict[str, Queued]:
    """Every job of this user in the queue, by element: `ARRAY_ELEMENT`, or `JOB` where it is no array."""
    said = ask("squeue", "--noheader", "--all", "--array", f"--user={os.getuid()}", "--format=%F|%K|%T|%N|%j")
    rows = re.findall(r"^(\d+)\|(\d+|N/A)\|([A-Z_]+)\|([^|\n]*)\|(.*)$", said, flags=re.MULTILINE)
    return {
        job if element == "N/A" else f"{job}_{element}": Queued(state.lower(), node, name)
        for job, element, state, node, name in rows
    }


def ended_badly(job: str) -> dict[str, str]:
    """Elements of a job that failed, with how, by accounting; nothing where that can't be asked."""
    command = ("sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={job}", "--format=JobID,State,ExitCode")
    try:
        said = ask(*command)
    except SlurmError:
        return {}
    rows = re.findall(r"^(\d+(?:_\d+)?)\|(FAILED|NODE_FAIL|OUT_OF_MEMORY)\b[^|\n]*\|(\S+)$", said, flags=re.MULTILINE)
    return {element: f"{state.lower()}, exit {code}" for element, state, code in rows}


def is_known(job: str) -> bool:
    """Whether queue or accounting know a job; when they can't be asked, it may be."""
    commands = (
        ("squeue", "--noheader", "--all", f"--jobs={job}", "--format=%F"),
        ("sacct", "--noheader", "--parsable2", f"--jobs={job}", "--format=JobID"),
    )
    for command in commands:
        try:
            if re.search(rf"^{job}\b", ask(*command).replace("_", " "), flags=re.MULTILINE):
                return True
        except SlurmError as error:
            if "Invalid job id" not in str(error):
                return True
    return False


def cancel(*jobs: str) -> None:
    """Cancel jobs or elements; those that run are told to stop first, by SIGTERM."""
    if jobs:
        ask("scancel", *jobs)


def _words(command: str, said: str) -> str:
    """What a command said: each line once, without control characters and its own name."""
    lines = ["".join(filter(str.isprintable, line)).strip().removeprefix(f"{command}: ") for line in said.splitlines()]
    return f"{command}: " + "\n  ".join(dict.fromkeys(filter(None, lines)))
