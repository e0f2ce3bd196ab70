"""What is typed for something else: commands, options, words of `show`, conditions and files to write."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.cli.loading import describe_waits
from bench.cli.render import console
from bench.store import Store
from bench.sweep import load
from tests.cli.conftest import Call
from tests.shared.store import finish

USAGE = {
    "merge": "No such command 'merge'; did you mean store merge; `sambench --help` lists them",
    "pln tiny.yaml": "No such command 'pln'; did you mean plan; `sambench --help` lists them",
    "store foo": "No such command 'foo'; `sambench store --help` lists them",
    "tiny.yaml": "'tiny.yaml' is no command; write what to do with it: sambench run tiny.yaml",
    "plan tiny.yaml --epochs 3": "No such option: --epochs; write --set epochs=VALUE, or change the sweep",
    "board tiny.yaml --metrc x": "No such option: --metrc; did you mean --metric",
    "--swep": "No such option: --swep",
}
CONDITIONS = {
    "rho>0.05": "--where rho>0.05: only FIELD=VALUE is supported; use `sambench query` for comparisons",
    "rho!=0.05": "only FIELD=VALUE is supported",
    "variant in sam": "only FIELD=VALUE is supported",
    "variant=sam,none": "unknown value 'sam,none'; valid: none, sam; several values are several --where",
}
WORDS = {
    "late_sam": "word late_sam\nShare of the epochs to train with the base optimizer alone",
    "fast": "in a sweep  grid: {fast: true}",
    "oom": "key oom\nOut of memory, which would recur unless resources change.\nin a sweep  retries: {oom: …}",
    "early_stopping": "Keys: metric, ",
}
NO_WORDS = {
    "variants": "; it is a kind: `sambench list variants` lists them",
    "board": "; it is a command: `sambench board --help`",
    "tiny": "nothing is called 'tiny'; did you mean tiny.yaml",
    "Late-SAM": "nothing is called 'Late-SAM'; did you mean late_sam; ",
}


@pytest.mark.parametrize("line", USAGE)
def test_usage(tiny_sweep: Path, call: Call, line: str) -> None:
    told = call(*line.split())
    assert (told.code, told.out) == (2, "")
    assert told.err.endswith(f"Error: {USAGE[line]}\n")


def test_the_short_option_for_help(call: Call) -> None:
    assert call("plan", "-h")[:2] == call("plan", "--help")[:2]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions(tiny_sweep: Path, call: Call, condition: str) -> None:
    told = call("plan", tiny_sweep, "--where", condition)
    assert (told.code, CONDITIONS[condition] in told.err) == (2, True), told.err


def test_a_condition_with_spaces_and_quotes(tiny_sweep: Path, call: Call) -> None:
    plain = call("plan", tiny_sweep, "--where", "variant=sam")
    assert call("plan", tiny_sweep, "--where", " variant = 'sam' ") == plain
    assert plain.code == 0


@pytest.mark.parametrize("word", WORDS)
def test_show_knows_all_words_of_a_sweep(call: Call, word: str) -> None:
    told = call("show", word)
    assert (told.code, WORDS[word] in told.out) == (0, True), told.out + told.err


@pytest.mark.parametrize("word", NO_WORDS)
def test_show_points_elsewhere(tiny_sweep: Path, call: Call, word: str) -> None:
    told = call("show", word)
    assert (told.code, NO_WORDS[word] in told.err) == (2, True), told.err


@pytest.mark.parametrize(
    "line", ["report SWEEP --output SWEEP", "store export SWEEP", "query SELECT_1 --parquet SWEEP"]
)
def test_no_output_replaces_a_sweep(tiny_sweep: Path, store: Store, call: Call, line: str) -> None:
    finish(store, load(tiny_sweep).trials[0], test_accuracy=90.0)
    before = tiny_sweep.read_bytes()
    told = call(*(word.replace("SWEEP", tiny_sweep.name).replace("_", " ") for word in line.split()))
    assert (told.code, "tiny.yaml: exists and isn't output of sambench" in told.err) == (2, True), told.err
    assert tiny_sweep.read_bytes() == before


def test_an_output_beside_a_link_of_the_users(tiny_sweep: Path, store: Store, call: Call, tmp_path: Path) -> None:
    finish(store, load(tiny_sweep).trials[0], test_accuracy=90.0)
    (tmp_path / "data").symlink_to("/elsewhere")
    assert call("board", tiny_sweep, "--output", "board.txt").err == "wrote board.txt\n"


def test_a_store_without_its_marker(tiny_sweep: Path, store: Store, call: Call) -> None:
    (store.root / "store.json").unlink()
    told = call("status", tiny_sweep)
    assert (told.code, "store.json: is missing, so trials/ beside it" in told.err) == (2, True), told.err


def test_a_long_answer(store: Store, call: Call) -> None:
    told = call("query", "SELECT * FROM range(1000000)")
    assert (told.code, told.out.rstrip().endswith(" 999")) == (0, True)
    assert "the first 1,000 of 1,000,000 rows; --csv, --json or --parquet gives all" in told.err


def test_a_working_directory_that_is_gone(tiny_sweep: Path, call: Call, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    told = call("status", tiny_sweep)
    assert (told.code, "the working directory is gone" in told.err) == (2, True), told.err


def test_more_columns_than_the_window_holds(
    tiny_sweep: Path, store: Store, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would each have no width, and all that they hold would be gone."""
    finish(store, load(tiny_sweep).trials[0], test_accuracy=90.0)
    monkeypatch.setattr(console, "out", console.Safe(force_terminal=True, width=60, no_color=True))
    told = call("query", "SELECT * FROM results").out
    assert "\ntest_accuracy" in re.sub(r"\x1b\[[\d;]*m", "", told)
    assert "dataset" in call("query", "SELECT dataset, model FROM results").out


def test_a_command_that_is_told_keeps_both_slashes_of_an_address() -> None:
    wait = SimpleNamespace(file="a.yaml", sweep="a", trials=())
    waiting: Any = SimpleNamespace(name="b", waits=(wait,), held=())
    assert describe_waits(waiting, [Path("s3://bucket/store")])[0].endswith("a.yaml --store s3://bucket/store")
