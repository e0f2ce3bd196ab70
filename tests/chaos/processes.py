"""Processes that a campaign starts: forked from it, found through /proc, signalled only while they are the same.

The campaign adopts orphans: whatever a process of its own leaves behind, such as Ray's daemons after their driver was
killed, becomes its child. So everything that descends from it is its own, and nothing else is.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.slurm.site.processes import Process

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
_PATIENCE = 5.0
"""Seconds in which a killed process must be gone, and a stopped one must stand still."""
_AT_ONCE = -10
"""Priority of whoever is to die."""


@dataclass
class Child:
    """A process that the campaign started itself."""

    role: str
    process: Process
    output: Path
    """What it prints."""
    status: int | None = None
    """Exit code, or the negative signal that ended it; None while it lives."""
    disturbed: bool = False
    """Whether a signal was sent to it or to a process that it started."""

    def said(self) -> str:
        """All that it has printed."""
        return self.output.read_text(encoding="utf-8", errors="replace")


@dataclass
class Household:
    """The children of a campaign, and what descends from them."""

    folder: Path
    """For what they print."""
    children: dict[int, Child] = field(default_factory=dict)
    """Living ones, by pid."""
    started: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        _prctl(_SET_CHILD_SUBREAPER, 1)

    def fork(self, role: str, work: Callable[[], object]) -> Child:
        """Do `work` in a process of its own, which dies with this one; an exception ends it with code 1."""
        self.started += 1
        output = self.folder / f"{self.started:05d}-{role}.out"
        # Before it may be killed.
        output.touch()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            _become(output, work)
        child = Child(role, Process.find(pid) or Process(pid, -1), output)
        self.children[pid] = child
        return child

    def execute(self, role: str, command: Sequence[str], environment: dict[str, str], folder: Path) -> Child:
        """Run a command in a process of its own."""

        def work() -> None:
            os.chdir(folder)
            os.execve(command[0], list(command), environment)

        return self.fork(role, work)

    def collect(self) -> list[Child]:
        """The children that ended since the last look; orphans that ended are buried too."""
        ended: list[Child] = []
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            child = self.children.pop(pid, None)
            if child:
                child.status = os.waitstatus_to_exitcode(status)
                ended.append(child)

    def wait(self, child: Child, patience: float) -> bool:
        """Whether the child ends in time."""
        deadline = time.monotonic() + patience
        while child.status is None and time.monotonic() < deadline:
            self.collect()
            time.sleep(0.01)
        return child.status is not None

    def call(self, role: str, work: Callable[[], object], patience: float = 300.0) -> Child:
        """Do `work` in a process of its own and wait for it; TimeoutError, with what it printed, if it never ends."""
        child = self.fork(role, work)
        if not self.wait(child, patience):
            signal_to(child.process, signal.SIGKILL)
            self.wait(child, _PATIENCE)
            raise TimeoutError(f"{role} takes more than {patience:g} s: {child.said()[-2000:]}")
        return child

    def end_all(self) -> list[Process]:
        """Kill everything that is left; what it was."""
        left = descendants()
        deadline = time.monotonic() + _PATIENCE
        while (found := descendants()) and time.monotonic() < deadline:
            for process in found:
                process.kill(signal.SIGKILL)
            self.collect()
            time.sleep(0.02)
        return left


def ancestors(pid: int) -> Iterator[int]:
    """The processes above one, as long as they are there."""
    with suppress(FileNotFoundError, ProcessLookupError):
        while pid := int(_stat(pid)[1]):
            yield pid


def descendants() -> list[Process]:
    """The living processes below this one."""
    parents = dict(_parents())
    found: list[Process] = []
    layer = {os.getpid()}
    while layer:
        layer = {pid for pid, parent in parents.items() if parent in layer}
        found += [process for pid in sorted(layer) if (process := Process.find(pid))]
    return found


def title(process: Process) -> str:
    """The command line of a process, or its name where that is empty."""
    try:
        line = Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return line or Path(f"/proc/{process.pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def signal_to(process: Process, number: signal.Signals) -> bool:
    """Send a signal; whether it surely reached this very process while it lived.

    The descriptor pins the process: a later one with the same pid can neither be signalled nor taken for it.
    """
    try:
        pinned = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if not process.alive:
            return False
        if number == signal.SIGKILL:
            # On a busy machine a process of low priority would take seconds to die.
            with suppress(PermissionError, ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, process.pid, _AT_ONCE)
        signal.pidfd_send_signal(pinned, number)
        return _arrived(process, number, pinned)
    except ProcessLookupError:
        return False
    finally:
        os.close(pinned)


def _arrived(process: Process, number: signal.Signals, pinned: int) -> bool:
    if number == signal.SIGKILL:
        return bool(select.select([pinned], [], [], _PATIENCE)[0])
    if number == signal.SIGSTOP:
        deadline = time.monotonic() + _PATIENCE
        while process.alive and time.monotonic() < deadline:
            if _stat(process.pid)[0] in "Tt":
                return True
            time.sleep(0.001)
        return False
    return True


def _parents() -> Iterator[tuple[int, int]]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                yield int(name), int(_stat(int(name))[1])
            except (FileNotFoundError, ProcessLookupError):
                continue


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()


def _become(output: Path, work: Callable[[], object]) -> None:
    """Go on as the forked child, and never return."""
    code = 1
    try:
        _prctl(_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        work()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
