"""A folder as a reader of the pages has it: the sweeps, and a store in which the demo has run."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bench.store import Store, compact
from tests.shared import locked
from tests.shared.command import ROOT, sambench


def write_cut_demo(file: Path) -> None:
    """The demo's first block with some of its methods, each at one radius, for one seed and one epoch."""
    yaml = YAML()
    sweep = yaml.load((ROOT / "sweeps" / "demo.yaml").read_text(encoding="utf-8"))
    sweep["grid"] |= {"epochs": 1, "seed": 1}
    sweep["blocks"] = sweep["blocks"][:1]
    methods = sweep["blocks"][0]["methods"]
    sweep["blocks"][0]["methods"] = [
        method | {"rho": method["rho"][0]} if "rho" in method else method
        for method in methods
        if method.get("variant") in (None, "sam", "layerwise_l2")
    ]
    yaml.dump(sweep, file)


@pytest.fixture
def folder(tmp_path: Path, shared_folder: Path) -> Path:
    """Sweeps, and a store in which the demo has run; trained by whichever test asks first."""
    prepared = shared_folder / "pages"
    with locked(shared_folder / "pages.lock", fcntl.LOCK_EX):
        if not (prepared / "ready").exists():
            shutil.rmtree(prepared, ignore_errors=True)
            shutil.copytree(ROOT / "sweeps", prepared / "sweeps")
            write_cut_demo(prepared / "sweeps" / "demo.yaml")
            ended = sambench(prepared, "run", "sweeps/demo.yaml", "--on", "inline")
            assert ended.returncode == 0, ended.stderr
            compact(Store.open(prepared / "store"))
            prepared.joinpath("ready").touch()
    shutil.copytree(prepared / "sweeps", tmp_path / "sweeps")
    for name in ("store", "store-a", "store-b"):
        shutil.copytree(prepared / "store", tmp_path / name)
    return tmp_path
