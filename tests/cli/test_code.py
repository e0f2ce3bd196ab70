"""Results know the code that made them: real trainings by a method of a user's own, edited between them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.registry import VariantEntry
from bench.sam import VARIANTS
from bench.store import Store, compact, query
from bench.store.measured import Quantity, add_measure
from bench.sweep import code
from tests.cli.conftest import Call
from tests.shared import forget

OWN = '''
"""A variant."""
from bench.sam.variants.sam import Sam


class Own(Sam):
    """SAM with a factor."""

    def direction(self, *arguments, **options):
        scale = 1.0
        found = super().direction(*arguments, **options)
        return found
'''
SWEEP = """
title: "Own"
recipe: digits-resnet
grid: {model: resnet8, epochs: 1, batch_size: 512, seed: 3}
methods: [{}, {variant: own, scope: only_norm, rho: 0.1}]
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a registered variant."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(VARIANTS.own, "own", VariantEntry(target="own_variant:Own", summary="a user's own"))
    (tmp_path / "own.yaml").write_text(SWEEP, encoding="utf-8")
    file = tmp_path / "own_variant.py"
    edit(file, OWN)
    yield file
    sys.modules.pop("own_variant", None)
    as_in_a_new_process()


def edit(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    as_in_a_new_process()


def as_in_a_new_process() -> None:
    sys.modules.pop("own_variant", None)
    code._parts.cache_clear()
    forget()


def run(call: Call, seed: int) -> str:
    told = call("run", "own.yaml", "--on", "inline", "--where", f"seed={seed}")
    assert told.code == 0, told.err
    return told.err


@pytest.mark.slow
def test_a_comment_letters_nothing_and_a_line_letters_its_cell(module: Path, call: Call, store: Store) -> None:
    run(call, 0)
    edit(module, OWN.replace("A variant.", "Described anew.").replace("scale = 1.0", "scale = 1.0  # as it was"))
    run(call, 1)
    board = call("board", "own.yaml", "--format", "markdown").out
    assert "other code" not in call("plan", "own.yaml").out
    assert "Made with:" in board
    assert "the same code, of commit" in board
    assert "Mixed" not in board
    assert "other code" not in call("store", "check").out

    edit(module, OWN.replace("scale = 1.0", "scale = 1.5"))
    assert "2 done by other code: variant own (2)" in call("plan", "own.yaml").out
    assert json.loads(call("plan", "own.yaml", "--json").out)["done_by_other_code"] == 2
    assert "2 done by other code: variant own (2)" in call("run", "own.yaml", "--on", "inline").err
    page = json.loads(call("board", "own.yaml", "--format", "json").out)
    told = {record["row"]: record["code"] for record in page["cells"]}
    now = json.loads(query(store, "SELECT code_parts FROM results WHERE variant = 'own' AND seed = 2")[0][0].as_py())
    usual, other = sorted(page["origins"]["code"], key=len)
    assert (usual, other) == ("the usual one", f"other variant own {now['variant own'][:7]}")
    assert sorted(told.values()) == ["the usual one", f"the usual one; {other}"]
    board = call("board", "own.yaml", "--format", "markdown").out
    assert f"code: the usual one in 5 results; (a) {other} in 1." in board
    found = query(store, "SELECT variant, count(DISTINCT code) AS codes FROM results GROUP BY ALL ORDER BY 1")
    assert found.to_pylist() == [{"variant": "none", "codes": 1}, {"variant": "own", "codes": 2}]
    checked = call("store", "check")
    assert checked.code == 0
    assert "other code: 2 done trials, such as " in checked.out
    assert "variant own" in checked.out


def test_measures_know_their_code_also_when_compacted(module: Path, call: Call, store: Store) -> None:
    run(call, 0)
    select = "SELECT DISTINCT code FROM measures WHERE measure = 'test_accuracy'"
    assert query(store, select).to_pylist() == [{"code": code.of_measure("test_accuracy")}]
    (trial_id,) = query(store, "SELECT trial_id FROM trials WHERE variant = 'own'")[0].to_pylist()
    add_measure(store.folder(trial_id), Quantity("feature_rank", "{}"), 3.0, code=code.of_measure("feature_rank"))
    compact(store)
    assert query(store, select).to_pylist() == [{"code": code.of_measure("test_accuracy")}]
    assert code.of_measure("sharpness[rho=0.1]") == code.of_measure("sharpness") != code.of_measure("feature_rank")


def test_a_training_that_other_code_goes_on_with_has_the_fingerprints_of_both() -> None:
    first = {"training": "a", "step": "s"}
    second = code.with_earlier({"training": "b", "step": "s"}, first)
    assert second == {"training": "a+b", "step": "s"}
    assert code.with_earlier({"training": "b", "step": "s"}, second) == second
    assert code.with_earlier({"training": "a", "step": "t"}, second) == {"training": "a+b+a", "step": "s+t"}
    assert code.with_earlier(first, {}) == first


def test_results_of_earlier_versions_are_told_as_such(module: Path, call: Call, store: Store) -> None:
    from bench.sweep import load
    from tests.shared.store import finish

    for trial in load("own.yaml").trials[:2]:
        finish(store, trial, test_accuracy=90.0)
    assert "2 done by code that wasn't recorded" in call("plan", "own.yaml").out
    assert "other code: 2 done trials" in call("store", "check").out
