"""Does it run what it is given?"""

import os
import subprocess
import sys
from pathlib import Path

SWEEP = """
title: "One trial"
recipe: digits-resnet
grid: {dataset: "fake:64x1x8x4", model: resnet8, epochs: 1, batch_size: 32, seed: 1}
"""


def test_a_sweep(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    command = [sys.executable, "-m", "bench", "run", "sweep.yaml", "--on", "bench.examples.one_by_one:OneByOne"]
    found = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])}
    ended = subprocess.run(command, cwd=tmp_path, env=found, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "1 trial: 1 done" in ended.stderr
