"""Workers that die before they begin on a trial are given up after a few tries, with their reason."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import ROOT, command_environment

DIES = """
import os, sys

class Dies:
    def find_spec(self, name, path=None, target=None):
        if name == "cluster.on_ray.worker":
            os._exit(7)

if any("default_worker.py" in part for part in sys.orig_argv):
    sys.meta_path.insert(0, Dies())
"""
SWEEP = """
title: "Never begun"
grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 256, epochs: 1}
methods: [{seed: 2}]
"""


@pytest.mark.share(1, of="a Ray of its own")
@pytest.mark.slow
def test_workers_that_die_at_once_end_the_run(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(DIES)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    environment = command_environment(tmp_path) | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    run = subprocess.Popen(
        [sys.executable, "-m", "bench", "run", "sweep.yaml", "--on", "ray"],
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        _, said = run.communicate(timeout=300)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
    assert run.returncode == 2, said
    assert "could not be started: the worker process died: " in said
    assert said.count("crashed: ") <= 6
    assert "Traceback" not in said
