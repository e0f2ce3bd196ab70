"""Processes that outlive their starter, known by pid and start time so that a reused pid is never killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.shared.timing import wait_for

# A child of ours would be a zombie until we wait for it, and would get the terminal's signals; the orphan of a helper
# that has ended belongs to init. `sh -c '… &'` does the same, but leaves SIGINT ignored in the daemon and in its jobs.
LAUNCH = """
import subprocess, sys
log = open(sys.argv[1], "ab")
null = subprocess.DEVNULL
print(subprocess.Popen(sys.argv[3:], cwd=sys.argv[2], stdin=null, stdout=log, stderr=log, start_new_session=True).pid)
"""


@dataclass(frozen=True)
class Process:
    """A process of this boot."""

    pid: int
    started: int
    """Clock ticks between boot and the start of the process."""

    @classmethod
    def find(cls, pid: int) -> Process | None:
        """The process that has this pid now; None if there is none, or only a zombie."""
        try:
            # The name stands in parentheses and may contain spaces; what follows is the state, then fields 4 to 52.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @classmethod
    def launch(cls, command: Sequence[str], *, folder: Path, log: Path, environment: Mapping[str, str]) -> Process:
        """Start a process in a session of its own that works in `folder` and writes to the end of `log`."""
        launcher = [sys.executable, "-I", "-S", "-c", LAUNCH, str(log), str(folder), *command]
        answer = subprocess.run(launcher, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        # One that ended at once has no start time any more; nothing matches -1.
        return cls.find(int(answer.stdout)) or cls(int(answer.stdout), -1)

    @property
    def alive(self) -> bool:
        return Process.find(self.pid) == self

    def kill(self, number: int) -> None:
        """Send a signal, if the process is still there."""
        if self.alive:
            os.kill(self.pid, number)

    def stop(self, *, patience: float = 5.0) -> None:
        """Ask the process to end, and kill it when it hasn't after `patience` seconds."""
        self.kill(signal.SIGTERM)
        if not eventually(lambda: not self.alive, patience):
            self.kill(signal.SIGKILL)
            eventually(lambda: not self.alive, patience)


def eventually(condition: Callable[[], object], patience: float, *, pause: float = 0.05) -> bool:
    """Whether the condition comes true within `patience` seconds."""
    try:
        wait_for(condition, patience, pause=pause)
    except AssertionError:
        return False
    return True


def all_processes() -> Iterator[tuple[Process, Path]]:
    """Every process with its folder in /proc."""
    for folder in Path("/proc").glob("[0-9]*"):
        if process := Process.find(int(folder.name)):
            yield process, folder


def with_environment(*beginnings: str) -> Iterator[Process]:
    """The processes that were started with variables of these beginnings, as `NAME=value` or `NAME=`."""
    for process, folder in all_processes():
        try:
            variables = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if all(any(variable.startswith(beginning) for variable in variables) for beginning in beginnings):
            yield process


def with_open_file(below: Path, *, name: str) -> Iterator[Process]:
    """The processes of this program that have a file open below a folder."""
    for process, folder in all_processes():
        try:
            targets = [os.readlink(link) for link in (folder / "fd").iterdir()]
            own_name = (folder / "comm").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if own_name.startswith(name) and any(target.startswith(f"{below}/") for target in targets):
            yield process
