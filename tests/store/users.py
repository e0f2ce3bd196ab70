"""Commands run by another user of this machine: `python -m tests.store.users` reads them, and tells how each ended."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.cli import main

ROOT = Path(__file__).parents[2]
SOMEBODY, ELSE, GROUP = 65533, 65532, 65531
"""Two users and a group of theirs."""


class Told(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


def as_user(
    commands: Sequence[Sequence[object]],
    folder: Path,
    *,
    uid: int = SOMEBODY,
    umask: int = 0o022,
    mounts: str = "true",
) -> list[Told]:
    """Run `sambench` with each of the arguments, in `folder`; first `mounts`, as root, in a view of its own.

    A command that begins with `python` is a program of Python instead.
    """
    _require_root()
    drop = f"exec setpriv --reuid={uid} --regid={GROUP} --clear-groups"
    shell = f'{mounts} && umask {umask:03o} && {drop} "$@"'
    answer = subprocess.run(
        ["unshare", "-m", "sh", "-c", shell, "sh", sys.executable, "-m", "tests.store.users", str(folder)],
        input=json.dumps([[str(word) for word in command] for command in commands]),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "MPLCONFIGDIR": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return [Told(*told) for told in json.loads(answer.stdout.splitlines()[-1])]


def _require_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can run commands as another user")
    probe = ["unshare", "-m", "setpriv", f"--reuid={SOMEBODY}", "--clear-groups", sys.executable, "-c", "import bench"]
    if subprocess.run(probe, capture_output=True, cwd=ROOT, check=False).returncode != 0:
        pytest.skip("another user can't run this Python, or nothing can be mounted here")


def _run(arguments: list[str]) -> Told:
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            if arguments[0] == "python":
                exec(arguments[1], {})
            else:
                sys.argv = ["sambench", *arguments]
                main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Told(code, out.getvalue(), err.getvalue())


if __name__ == "__main__":
    read = json.load(sys.stdin)
    os.chdir(sys.argv[1])
    print("\n" + json.dumps([_run(command) for command in read]))
