"""The command, in this process: a tenth of the time of one of its own, which it gets where that matters."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from bench.cli import main
from tests.shared.timing import patience

ROOT = Path(__file__).resolve().parents[2]
Ended = subprocess.CompletedProcess[str]


def command_environment(folder: Path) -> dict[str, str]:
    """The environment of a command under test: our packages, a store under `folder`, a wide terminal."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "SAMBENCH_STORE": str(folder / "store"),
        "COLUMNS": "160",
        "OMP_NUM_THREADS": "1",
    }


def sambench(folder: Path, *arguments: object, environment: Mapping[str, str] | None = None) -> Ended:
    """Run the command in `folder`, in a process of its own if Ray or a queue is to start its workers."""
    words = [str(argument) for argument in arguments]
    launcher = words[words.index("--on") + 1] if "--on" in words else "ray"
    run = on_its_own if words[:1] == ["run"] and launcher in ("ray", "slurm") else in_process
    return run(folder, words, command_environment(folder) | dict(environment or {}))


def on_its_own(folder: Path, words: list[str], environment: Mapping[str, str]) -> Ended:
    """As a user runs it."""
    return subprocess.run(
        # As the installed command: without the working directory on the path.
        [sys.executable, "-P", "-m", "bench", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=patience(),
        check=False,
    )


def in_process(folder: Path, words: list[str], environment: Mapping[str, str]) -> Ended:
    """The same code, streams and exit code, without the start of Python; a traceback fails the test."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code = 0
    with (
        chdir(folder),
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch.object(sys, "argv", ["sambench", *words]),
        redirect_stdout(out),
        redirect_stderr(err),
        same_signals(),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(["sambench", *words], code, *texts)


@contextmanager
def same_signals() -> Iterator[None]:
    """A command takes signals for itself, since its process ends with it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
