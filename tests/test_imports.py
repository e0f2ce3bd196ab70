"""Who may import whom, and what stays out of the light commands."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ANYWHERE = {"bench.registry", "bench.seeds", "bench.errors", "bench.validation"}
"""Leaves without imports of ours."""
FRONTS = {"bench.sam", "bench.models", "bench.data", "bench.measures", "bench.optimizers"}
"""Light registries: names can be checked without what is behind them."""
ALLOWED = {
    "bench.registry": set(),
    "bench.errors": set(),
    "bench.validation": set(),
    "bench.seeds": set(),
    "bench.trial": set(),
    "bench.resources": set(),
    "bench.distributed": set(),
    "bench.provenance": set(),
    "bench.optimizers": set(),
    "bench.recipes": set(),
    "bench.rho": set(),
    "bench.schedule": {"bench.trial"},
    "bench.spec": {"bench.trial", "bench.recipes", "bench.rho", "bench.resources", *FRONTS},
    "bench.sam": {"bench.distributed"},
    "bench.models": {"bench.distributed"},
    "bench.data": {"bench.distributed"},
    "bench.measures": {"bench.distributed", "bench.data", "bench.models"},
    "bench.store": {"bench.trial", "bench.measures", "bench.resources"},
    "bench.checkpoint": {"bench.store"},
    "bench.build": {"bench.trial", "bench.distributed", *FRONTS},
    "bench.measuring": {"bench.trial", "bench.build", "bench.checkpoint", *FRONTS},
    "bench.epoch": {"bench.distributed", "bench.sam"},
    "bench.train": {"bench.trial", "bench.build", "bench.schedule", "bench.distributed", *FRONTS},
    "bench.board": {"bench.terminal", "bench.store", "bench.spec", "bench.measures", "bench.recipes", "bench.trial"},
    "bench.smoke": {"bench.spec", "bench.trial", "bench.resources", *FRONTS},
    "bench.cost": {"bench.trial", *FRONTS},
    "bench.estimate": {"bench.store", "bench.trial"},
    "bench.report": {"bench.board", "bench.plots", "bench.spec", "bench.store", "bench.terminal", "bench.trial"},
    "bench.plots": {"bench.board", "bench.spec", "bench.store", "bench.trial"},
    "bench.overview": {"bench.store", "bench.spec", "bench.trial", "bench.estimate"},
    "bench.terminal": {"bench.store"},
    "bench.doctor": {"bench.store"},
    "bench.catalog": {"bench.recipes", "cluster", *FRONTS},
    "bench.profile": {"bench.resources", "bench.spec"},
    "bench.preflight": {"bench.spec", *FRONTS},
    "cluster": {
        "bench.trial",
        "bench.store",
        "bench.resources",
        "bench.profile",
        "bench.estimate",
        "bench.measures",
    },
    "cluster.training": {"bench.trial", "bench.store", "bench.train", "bench.checkpoint", "bench.provenance"},
}
ALLOWED["bench.train"] |= {"bench.epoch"}
ALLOWED["cluster.training"] |= {"bench.distributed", "bench.estimate", "bench.measures", "bench.measuring"}
TRAINING = {"probe", "slurm_worker", "worker", "session", "rank", "torchrun", "measure_worker"}
"""Modules of `cluster` that run where trials are trained or measured."""


def part(module: str) -> str:
    """The part of the design that a module belongs to: `bench.store.claim` → `bench.store`."""
    names = module.split(".")
    if names[0] == "cluster":
        return "cluster.training" if names[1:] and names[1] in TRAINING else "cluster"
    return ".".join(names[:2])


def modules() -> list[str]:
    files = [file for package in ("bench", "cluster") for file in (ROOT / package).rglob("*.py")]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]
    return sorted(name for name in names if name not in ("bench", "bench.__main__") and part(name) != "bench.cli")


def imported(module: str) -> set[str]:
    path = ROOT.joinpath(*module.split("."))
    file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            whole = node.module == "bench"
            found |= {f"bench.{alias.name}" for alias in node.names} if whole else {str(node.module)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {part(name) for name in found if name.split(".")[0] in ("bench", "cluster")}


@pytest.mark.parametrize("module", modules())
def test_imports_follow_the_design(module: str) -> None:
    own = part(module)
    allowed = ALLOWED[own] | ANYWHERE | {own} | ({"cluster"} if own.startswith("cluster") else set())
    if own == "cluster":
        allowed |= {"cluster.training"}
    assert imported(module) <= allowed


LIGHT = "import sys; {}; print(sorted({{'torch', 'ray', 'submitit', 'timm', 'matplotlib'}} & set(sys.modules)))"


@pytest.mark.parametrize(
    "statement",
    [
        "import bench, bench.cli, bench.spec, bench.sam, bench.models, bench.data, bench.measures",
        "import bench.store, bench.board.formats, bench.overview",
        "import bench.smoke, bench.cost, bench.board.chooser",
        "import cluster.driver, cluster.measuring",
    ],
)
def test_light_modules_stay_light(statement: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", LIGHT.format(statement)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
