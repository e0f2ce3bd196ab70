"""The command `sambench` within a forked process, with its answer kept: no new interpreter, no imports."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import bench.cli
from bench.store import damage

TRACEBACK = "Traceback (most recent call last)"


class Answer(NamedTuple):
    """What the command said."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Both streams."""
        return self.out + self.err


def sambench(*arguments: object) -> Answer:
    """Run the command; what escapes from it is a traceback on its error stream, as it would be for a user."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["sambench", *map(str, arguments)]
    # The command sets logging up for the streams of its own process.
    logging.root.handlers.clear()
    # A command tells of each damaged file once; this process is several commands.
    damage._told.clear()
    code = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            bench.cli.main()
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except Exception:  # noqa: BLE001
        code = 1
        err.write(traceback.format_exc())
    finally:
        sys.argv = before
    return Answer(code, out.getvalue(), err.getvalue())


def environment(folder: Path) -> dict[str, str]:
    """Of a command: one thread, and temporary files of its own."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    return {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(temporary), "COLUMNS": "160"}
