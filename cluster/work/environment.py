"""The environment of a worker: which code it runs, and how it trains on the CPU.

glibc returns freed activations to the kernel and faults them in again on every step; these settings keep them,
which makes a step on the CPU about a sixth faster. glibc and torch read them when a process starts.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

CODE = Path(__file__).resolve().parents[2]
"""The folder that this process has `bench` and `cluster` from."""

MEMORY_SETTINGS = {
    "THP_MEM_ALLOC_ENABLE": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "268435456",
}
"""Variables that end the page faults of freed memory; glibc and torch read them as a process starts."""
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def worker_environment(threads: int) -> dict[str, str]:
    """Variables to start a worker process with."""
    return {**MEMORY_SETTINGS, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}


def code_environment() -> dict[str, str]:
    """Variables by which a worker finds this very code, whatever folders `bench` or `cluster` it is started among."""
    there = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return {
        "PYTHONPATH": os.pathsep.join([str(CODE), *(os.path.abspath(folder) for folder in there if folder)]),
        # Python would look in the working directory first.
        "PYTHONSAFEPATH": "1",
    }


def other_code(wanted: Path) -> Path | None:
    """The folder that this process has our code from, if it should have that of `wanted`, which is there."""
    return CODE if wanted != CODE and (wanted / "cluster" / "__init__.py").exists() else None


def apply_here(threads: int) -> None:
    """The same for a process that runs already, before it imports torch."""
    os.environ.update(worker_environment(threads))
    libc = ctypes.CDLL(None)
    for option, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 2**28)):
        libc.mallopt(option, value)
