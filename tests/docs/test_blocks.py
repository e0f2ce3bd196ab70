"""What pages tell readers to type works as it stands: commands, Python, SQL and sweeps.

It is typed in a folder with the sweeps of the repository, whose demo is cut to one epoch, one seed and one radius, and
with a store in which that has run. Ray isn't started for each line; other tests do.
"""

from __future__ import annotations

import fcntl
import shutil
from contextlib import chdir
from pathlib import Path

import duckdb
import pytest
from ruamel.yaml import YAML

from bench.store import Store, compact
from bench.sweep import load
from tests.docs.blocks import PAGES, Block, blocks
from tests.shared import locked
from tests.shared_command import ROOT, sambench

pytestmark = pytest.mark.slow
RUNNABLE = [
    page for page in PAGES if any(block.language in ("sh", "console", "python", "sql") for block in blocks(page))
]
ELSEWHERE = {"make", "pip", "docker", "alias", "sambench-run", "git", "cd"}
"""Programs whose commands other tests run, or this machine can't."""
TRIAL = "3f2a"
"""Stands in pages for the beginning of a trial's id."""


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


def run_commands(block: Block, folder: Path) -> None:
    trial_id = Store.open(folder / "store").trial_ids()[0]
    for words in block.commands():
        if words[0] in ELSEWHERE:
            continue
        assert words[0] == "sambench", f"{block.page}:{block.line}: nobody knows {words[0]!r}"
        inline = ["--on", "inline"] if words[1] in ("run", "measure") and "--on" not in words else []
        ended = sambench(folder, *[word.replace(TRIAL, trial_id[:8]) for word in words[1:]], *inline)
        assert ended.returncode == 0, f"{block.page}:{block.line}: {' '.join(words)}: {ended.stdout}{ended.stderr}"


@pytest.mark.share(3)
@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_what_a_page_says_to_type_works(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, object] = {"__name__": "page"}
    monkeypatch.setenv("SAMBENCH_STORE", str(folder / "store"))
    for block in blocks(page):
        if block.not_run:
            continue
        if block.language in ("sh", "console"):
            run_commands(block, folder)
        with chdir(folder):
            if block.language == "python":
                exec(compile(block.text, f"{block.page}:{block.line}", "exec"), names)
            if block.language == "sql":
                duckdb.connect().execute(block.text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_yaml_is_a_sweep_or_a_part_of_one(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.language == "yaml" and not block.not_run:
            assert YAML(typ="safe").load(block.text), f"{block.page}:{block.line}"
            if block.text.startswith("title:"):
                tmp_path.joinpath("page.yaml").write_text(block.text, encoding="utf-8")
                assert load(tmp_path / "page.yaml").trials
