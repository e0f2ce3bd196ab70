"""Commands that read take several stores as one; commands that write take one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bench.store import Store
from bench.sweep import Sweep, load
from tests.cli.conftest import Call
from tests.shared.store import finish

BOTH = ("--store", "a", "--store", "b")


@pytest.fixture
def halves(tiny_sweep: Path, tmp_path: Path) -> Sweep:
    """Ten trials: five done in `a`, four in `b`, of which `a` has one that failed and one that was never begun.

    The last is done in neither: it was begun in `b` and failed.
    """
    sweep = load(tiny_sweep)
    a, b = Store.create(tmp_path / "a"), Store.create(tmp_path / "b")
    for place, trial in enumerate(sweep.trials):
        store = a if place < 5 else b
        if place == 9:
            finish(store, trial, "error")
        else:
            finish(store, trial, test_accuracy=90.0 + place)
        log = store.folder(trial.trial_id).log
        log.write_text(f"log of {place} in {store.root.name}\n", encoding="utf-8")
    finish(a, sweep.trials[5], "diverged")
    a.add([sweep.trials[6], sweep.trials[9]])
    return sweep


def test_every_reading_command_sees_both(halves: Sweep, call: Call, tmp_path: Path) -> None:
    plan = json.loads(call("plan", "tiny.yaml", "--json", *BOTH).out)
    assert {name: plan[name] for name in ("done", "failed", "missing")} == {"done": 9, "failed": 1, "missing": 0}
    assert "9 done, 1 failed" in call("status", "tiny.yaml", *BOTH).out
    one, both = (
        json.loads(call("board", "tiny.yaml", "--format", "json", *stores).out)["cells"] for stores in (BOTH[:2], BOTH)
    )
    assert sum(cell["n"] for cell in one) == 5
    assert sum(cell["n"] for cell in both) == 9
    assert [cell["failures"] for cell in both if cell["failures"]] == ["error:1"]
    for more in (("--format", "latex"), ("--format", "html"), ("--against", "paper")):
        assert call("board", "tiny.yaml", *BOTH, *more).code == 0
    assert "n = 1–2" in _svg(call, tmp_path), "of one method a seed failed, of the others both are there"
    assert call("query", "SELECT count(*) AS n FROM results WHERE outcome = 'done'", "--csv", *BOTH).out == "n\n9\n"


def _svg(call: Call, folder: Path) -> str:
    assert call("plot", "tiny.yaml", "--where", "variant=sam", "--output", "p.svg", *BOTH).code == 0
    return (folder / "p.svg").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_report_has_each_log_from_where_its_trial_counts(halves: Sweep, call: Call, tmp_path: Path) -> None:
    assert call("report", "tiny.yaml", "--output", "r.html", *BOTH).code == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    for place in range(10):
        assert f"log of {place} in {'a' if place < 5 else 'b'}" in page
    assert f"from {tmp_path / 'a'} and {tmp_path / 'b'}" in page
    assert "9 done, 1 failed" in page
    told = call("logs", halves.trials[5].trial_id[:8], *BOTH)
    assert told.out == "log of 5 in b\n"
    assert call("logs", "zzz", *BOTH).code == 2


def test_the_environment_names_several_too(halves: Sweep, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMBENCH_STORE", os.pathsep.join("ab"))
    assert "9 done" in call("status", "tiny.yaml").out
    assert call("compact").code == 2


def test_a_choice_is_made_from_both(halves: Sweep, call: Call, tmp_path: Path) -> None:
    use = Path("tiny.yaml").read_text(encoding="utf-8").replace("[0.05, 0.1]", "{choose: tiny, by: test_accuracy}")
    Path("use.yaml").write_text(use, encoding="utf-8")
    assert (
        "choice is waiting for 4 trials of tiny: sambench run tiny.yaml --store a"
        in call("plan", "use.yaml", *BOTH[:2]).out
    )
    assert "best of 0.05, 0.1 in tiny by mean test_accuracy" in call("plan", "use.yaml", *BOTH).out
    assert call("sweeps", ".", *BOTH).code == 0


@pytest.mark.parametrize(
    "arguments",
    [("run", "tiny.yaml"), ("cancel", "tiny.yaml"), ("compact",), ("store", "check"), ("doctor",)],
    ids=" ".join,
)
def test_who_writes_takes_one(halves: Sweep, call: Call, arguments: tuple[str, ...]) -> None:
    told = call(*arguments, *BOTH)
    assert told.code == 2
    assert (
        f"--store: sambench {' '.join(arguments[: 2 if arguments[0] == 'store' else 1])} takes one store, not 2: a, b"
        in told.err
    )


def test_one_of_several_that_is_not_there(halves: Sweep, call: Call) -> None:
    for command in ("plan", "board", "status", "sweeps"):
        told = call(command, "." if command == "sweeps" else "tiny.yaml", "--store", "a", "--store", "c")
        assert (told.code, "no store at" in told.err) == (2, True), command


def test_rows_say_which_store_they_are_from(halves: Sweep, call: Call, tmp_path: Path) -> None:
    select = "SELECT store, count(*) AS n FROM results WHERE outcome = 'done' GROUP BY ALL ORDER BY 1"
    found = json.loads(call("query", select, "--json", *BOTH).out)
    assert [(Path(row["store"]).name, row["n"]) for row in found] == [("a", 5), ("b", 4)]
    for table in ("trials", "attempts", "history", "measures"):
        assert json.loads(call("query", f"SELECT DISTINCT store FROM {table}", "--json", *BOTH).out)
