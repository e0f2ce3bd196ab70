"""What pages tell readers to type works as it stands: commands, Python, SQL and sweeps.

It is typed in a folder with the sweeps of the repository, whose demo is cut to one epoch, one seed and one radius, and
with a store in which that has run. Ray isn't started for each line; other tests do.
"""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import duckdb
import pytest
from ruamel.yaml import YAML

from bench.store import Store
from bench.sweep import load
from tests.docs.blocks import PAGES, Block, blocks
from tests.shared.command import sambench

pytestmark = pytest.mark.slow
RUNNABLE = [
    page for page in PAGES if any(block.language in ("sh", "console", "python", "sql") for block in blocks(page))
]
ELSEWHERE = {"make", "pip", "docker", "alias", "sambench-run", "git", "cd", "cat"}
"""Programs whose commands other tests run, or this machine can't."""
TRIAL = "3f2a"
"""Stands in pages for the beginning of a trial's id."""


def run_commands(block: Block, folder: Path) -> None:
    trial_id = Store.open(folder / "store").trial_ids()[0]
    for words in block.commands():
        if words[0] in ELSEWHERE:
            continue
        assert words[0] == "sambench", f"{block.page}:{block.line}: nobody knows {words[0]!r}"
        inline = ["--on", "inline"] if words[1] in ("run", "measure") and "--on" not in words else []
        ended = sambench(folder, *[word.replace(TRIAL, trial_id[:8]) for word in words[1:]], *inline)
        assert ended.returncode == 0, f"{block.page}:{block.line}: {' '.join(words)}: {ended.stdout}{ended.stderr}"


@pytest.mark.share(1)
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
