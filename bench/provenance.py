"""Provenance: the code, versions and hardware behind an attempt."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

BUILT_FROM = "SAMBENCH_COMMIT"
"""The variable in which an image, which holds no checkout, has the commit that it was built from."""


@lru_cache(maxsize=1)
def code() -> dict[str, Any]:
    """Commit, what differs from it, and versions, as columns of an attempt; read once, as a process loads its code."""
    checkout = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no") if checkout else None
    return {
        "git_commit": checkout or os.environ.get(BUILT_FROM) or None,
        "git_dirty": bool(changes) if checkout else None,
        "git_diff": _digest(_git("diff", "HEAD")) if changes else None,
        "sambench": _version("sambench"),
        "python": platform.python_version(),
        "torch": _version("torch"),
        "torchvision": _version("torchvision"),
        "numpy": _version("numpy"),
        "timm": _version("timm"),
        "platform": platform.platform(),
    }


def reset_peak_memory() -> None:
    """Let the kernel's high-water mark of this process start again from its present size."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory() -> int:
    """Most resident memory of this process since the reset, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) * 1024


def _git(*arguments: str) -> str | None:
    source = Path(__file__).resolve().parent
    if not (source.parent / ".git").exists():
        return None
    command = ["git", "-C", str(source), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=True)
        return answer.stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None


def _digest(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()[:16]


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
