"""A process that works on stores and stops, or is killed, at a chosen call: `python -m tests.store.interrupted …`."""

from __future__ import annotations

import importlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.store import Store, compact
from bench.store.upkeep.merge import merge

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]


def start(what: str, *stores: Store, at: str, call: int = 1, by: signal.Signals) -> subprocess.Popen[str]:
    """Begin to `compact` or `merge` in another process; returned once it has sent itself the signal.

    `at` is `module:function` or `module:Class.function`, sent before its call number `call`.
    """
    command = [sys.executable, "-m", "tests.store.interrupted", at, str(call), str(int(by)), what]
    process = subprocess.Popen(
        [*command, *(str(store.root) for store in stores)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    if by == signal.SIGSTOP:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), process.communicate()
    else:
        _, told = process.communicate()
        assert process.returncode == -by, told
    return process


def wake(process: subprocess.Popen[str]) -> str:
    """Let a stopped process go on; what it says at its end."""
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def _interrupt(at: str, call: int, by: int) -> None:
    module, _, path = at.partition(":")
    owner: Any = importlib.import_module(module)
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    function, calls = getattr(owner, name), iter(range(1, sys.maxsize))

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if next(calls) == call:
            os.kill(os.getpid(), by)
        return function(*arguments, **options)

    setattr(owner, name, interrupted)


if __name__ == "__main__":
    _interrupt(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    *sources, last = map(Store, map(Path, sys.argv[5:]))
    print(compact(last) if sys.argv[4] == "compact" else merge(sources, last))


class Killed(BaseException):
    """The process is gone: from here on it changes nothing."""


STEPS = ("link", "unlink", "rename", "replace", "fsync", "mkdir", "remove")


def die_at(monkeypatch: pytest.MonkeyPatch, step: int, names: Sequence[str] = STEPS) -> Iterator[int]:
    """Let every change of the file system from number `step` on fail as if the process were dead."""
    counter = itertools.count()

    def deadly(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **options: Any) -> Any:
            if next(counter) >= step:
                raise Killed
            return change(*arguments, **options)

        return changed

    for name in names:
        monkeypatch.setattr(os, name, deadly(getattr(os, name)))
    return counter
