"""Plug-ins in tests: modules of a temporary folder, and a process that forgets them again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import fingerprint, plugins
from bench.fingerprint import syntax
from bench.sweep import code
from tests.shared.command import sambench

YARDSTICK = {"variant": "wsam", "scope": "biases", "model": "mlp", "dataset": "wine", "measure": "ece",
             "launcher": "mine"}  # fmt: skip
"""Kind → name of the module that `sambench new` writes for it."""
SWEEP = """
title: "All of one's own"
grid: {dataset: "wine:wine", model: "mlp:mlp", optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 60, m: 30,
       epochs: 2, seed: [0], width: 16}
methods: [{}, {variant: "wsam:Wsam", scope: "biases:Biases", rho: 0.1, gamma: 0.8}]
measures: [test_accuracy, "ece:ece"]
"""


@contextmanager
def forgotten() -> Iterator[None]:
    """Whatever is imported within, and where it was looked for, is unknown afterwards: as in a new process."""
    path, modules = list(sys.path), set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if not name.startswith(("bench", "cluster")) and _is_temporary(name):
                del sys.modules[name]
        plugins.take_recorded(list)
        for cached in (code._parts, fingerprint.of_object, syntax.read_module, syntax._top):
            cached.cache_clear()


def _is_temporary(name: str) -> bool:
    file = getattr(sys.modules[name], "__file__", None)
    return file is not None and "pytest-" in file


def write_yardstick(folder: Path) -> None:
    """All six by `sambench new`, and a sweep of them."""
    for kind, name in YARDSTICK.items():
        written = sambench(folder, "new", kind, name)
        assert written.returncode == 0, written.stderr
    (folder / "sweep.yaml").write_text(SWEEP, encoding="utf-8")
