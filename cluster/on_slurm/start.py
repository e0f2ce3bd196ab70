"""What a batch script starts: `python -P …/start.py PLAN FIRST` works on share FIRST + index of the array element.

Run as a file, so that neither the working directory nor PYTHONPATH, which modules of the site may set, decide whose
`bench` and `cluster` are imported: those beside this file, or none.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(plan_file: str, first: str) -> None:
    """Work on one share of a plan."""
    _import_ours()
    from cluster.on_slurm.exits import DONE, GO_ON

    # Until the worker listens nothing is claimed, so that the process may just end.
    signal.signal(signal.SIGUSR2, lambda number, frame: os._exit(GO_ON))
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(DONE))
    from cluster.on_slurm.entry import work

    code = work(plan_file, int(first) + int(os.environ["SLURM_ARRAY_TASK_ID"]))
    # A thread may hang in a library's clean-up; everything of ours is flushed but this.
    sys.stdout.flush()
    os._exit(code)


def _import_ours() -> None:
    """Import our packages here, and have the processes that this one starts find them first; `exits.UNFIT` if we can't.

    That name isn't to be had before.
    """
    sys.path.insert(0, str(ROOT))
    found = {name: importlib.import_module(name).__file__ for name in ("bench", "cluster")}
    # Imported packages know where their modules lie; other distributions are looked for in the usual order.
    sys.path.remove(str(ROOT))
    for name, file in found.items():
        if file is None or Path(file).resolve() != ROOT / name / "__init__.py":
            print(f"sambench: `{name}` is {file}, not that of {ROOT}: something imports it when Python starts")
            sys.exit(78)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    os.environ["PYTHONSAFEPATH"] = "1"


if __name__ == "__main__":
    main(*sys.argv[1:])
