"""What each command loads of what is installed with it: what only SLURM, reports or attacks need, only they load."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.shared.loaded import dependencies, loaded

SWEEP = """
title: "Light"
grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 0, batch_size: 256, epochs: 1, seed: 1}
"""
TOGETHER = SWEEP.replace("seed: 1", "seed: 1, m: 128") + "resources: {processes: 2}"
HELP = frozenset({"click"})
QUERY = HELP | {"rich", "annotated-types", "duckdb"}
PLAN = QUERY | {"pydantic", "ruamel-yaml"}
READING = PLAN | {"numpy", "pyarrow"}
TRAINING = READING | {"torch", "safetensors"}
RAY = {"ray", "pandas"}
"""Ray's Tune imports pandas."""
COMPILER = "torch's compiler"
"""As long to load as torch itself; torch's wrapper of a model that several processes train does."""
MAY_LOAD = {
    "-c 'import bench'": frozenset[str](),
    "--help": HELP,
    "plan light.yaml": PLAN,
    "status light.yaml": PLAN,
    "board light.yaml": READING,
    "rank light.yaml": READING,
    "query 'SELECT * FROM results'": QUERY,
    "list models": READING,
    "plot light.yaml": READING | {"matplotlib"},
    "report light.yaml": READING | {"altair", "jinja2", "vl-convert-python"},
}
"""Command → the distributions that it may load."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """A folder with a sweep that has run inline, and what its run has loaded."""
    folder = tmp_path_factory.mktemp("light")
    (folder / "light.yaml").write_text(SWEEP, encoding="utf-8")
    return folder, by_kind(folder, "run light.yaml --on inline")["command"]


def by_kind(folder: Path, command: str) -> dict[str, set[str]]:
    """Kind of process → distributions that it has loaded."""
    names = {module: name for name, module in dependencies().items()} | {"torch._dynamo": COMPILER}
    words = shlex.split(command)
    words = words if words[0] == "-c" else ["-m", "bench", *words]
    found = loaded(folder, words, list(names))
    return {kind: {names[module] for module in modules} for kind, modules in found.items()}


@pytest.mark.share(5)
@pytest.mark.parametrize("command", MAY_LOAD)
def test_a_command_loads_what_it_needs(trained: tuple[Path, set[str]], tmp_path: Path, command: str) -> None:
    shutil.copytree(trained[0] / "store", tmp_path / "store")
    shutil.copy(trained[0] / "light.yaml", tmp_path)
    assert by_kind(tmp_path, command)["command"] <= MAY_LOAD[command]


@pytest.mark.slow
def test_training_inline_loads_torch_and_neither_its_compiler_nor_ray_nor_pandas(
    trained: tuple[Path, set[str]],
) -> None:
    assert {"torch", "safetensors"} <= trained[1] <= TRAINING


@pytest.mark.slow
@pytest.mark.share(0)
def test_what_trains_together_loads_what_training_needs(tmp_path: Path) -> None:
    (tmp_path / "light.yaml").write_text(TOGETHER, encoding="utf-8")
    found = by_kind(tmp_path, "run light.yaml")
    assert "ray" in found["command"] <= READING | RAY
    assert "torch" in found["Ray worker"] <= TRAINING | RAY
    assert "torch" in found["rank"] <= TRAINING | {COMPILER}
