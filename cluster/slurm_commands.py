"""SLURM's own commands, as a hint: what they can't say is unknown, never false."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from bench.errors import UserError

_PATIENCE = 30.0
_BAD = ("FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL")


class SlurmError(UserError):
    """SLURM refused, in its own words, or isn't there."""


def require() -> None:
    """SlurmError where there is no SLURM."""
    if shutil.which("sbatch") is None:
        raise SlurmError("no sbatch on this machine: run on a login node of the cluster, or --on ray or inline")


def ask(*command: str) -> str:
    """What a command prints; SlurmError with its words if it fails."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlurmError(f"{command[0]}: {error}") from error
    if answer.returncode:
        raise SlurmError(f"{command[0]}: {answer.stderr.strip() or answer.stdout.strip()}")
    return answer.stdout


def max_array_size(fallback: int | None) -> int:
    """Elements that one job array may have: one less than MaxArraySize, which caps their numbers."""
    if fallback is not None:
        return max(1, fallback)
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", ask("scontrol", "show", "config"))
    return max(1, int(found.group(1)) - 1) if found else 1000


def queue() -> dict[str, str]:
    """Element → state, of every job of this user in the queue; elements as `ARRAY_ELEMENT`, jobs as `JOB`."""
    user = os.environ.get("SLURM_JOB_USER") or _user()
    lines = ask("squeue", "--noheader", "--array", f"--user={user}", "--format=%F|%K|%T|%N").splitlines()
    found = {}
    for line in lines:
        job, element, state, node = line.split("|")
        found[job if element == "N/A" else f"{job}_{element}"] = f"{state.lower()} {node}".strip()
    return found


def ended_badly(job: str) -> list[str]:
    """Elements of a job that ended with an exit code, by accounting; nothing where that can't be asked."""
    try:
        lines = ask(
            "sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={job}", "--format=JobID,State,ExitCode"
        )
    except SlurmError:
        return []
    rows = [line.split("|") for line in lines.splitlines()]
    return [
        f"{job_id} {state.lower()}, exit {code}"
        for job_id, state, code in rows
        if state in ("FAILED", "NODE_FAIL", "OUT_OF_MEMORY")
    ]


def is_known(job: str) -> bool:
    """Whether queue or accounting know a job; when they can't be asked, it may be."""
    for command in (("squeue", "--noheader", f"--jobs={job}"), ("sacct", "--noheader", f"--jobs={job}")):
        try:
            if ask(*command).strip():
                return True
        except SlurmError as error:
            if "Invalid job id" not in str(error):
                return True
    return False


def cancel(*jobs: str) -> None:
    """Cancel jobs or elements; those that run are told to stop first, by SIGTERM."""
    if jobs:
        ask("scancel", *jobs)


def _user() -> str:
    import getpass

    return getpass.getuser()
