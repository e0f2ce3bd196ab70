"""Compaction that is killed, or not alone: nothing is lost and nothing doubled."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.store import Store, compact, query
from bench.store.compacted import part
from bench.store.upkeep.compact import Folded
from bench.trial import Trial
from tests.shared.store import finish
from tests.store.contents import contents, loose
from tests.store.interrupted import Killed, die_at

Make = Callable[..., Trial]


def test_of_two_compactions_one_wins(mixed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(mixed)
    write = part.write

    def slow(*arguments: Any) -> Any:
        monkeypatch.setattr(part, "write", write)
        assert compact(mixed).trials == 7
        return write(*arguments)

    monkeypatch.setattr(part, "write", slow)
    assert compact(mixed) == Folded(overtaken=True)
    assert contents(mixed) == before


@pytest.mark.share(1, of="compaction that is disturbed")
@pytest.mark.slow
def test_killed_at_every_step_it_loses_and_doubles_nothing(
    tmp_path: Path,
    store: Store,
    make_trial: Make,
    monkeypatch: pytest.MonkeyPatch,
    some: Callable[[Sequence[int], int], list[int]],
) -> None:
    """Of a store with a part, a changed trial and a new one; after each death the next compaction finishes the work."""
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    finish(store, make_trial(seed=4), "error")
    compact(store)
    finish(store, make_trial(seed=4), test_accuracy=77.0)
    finish(store, make_trial(seed=8), test_accuracy=66.0)
    expected = contents(store)
    copy = Store(tmp_path / "copy")
    shutil.copytree(store.root, copy.root)
    with monkeypatch.context() as counted:
        counter = die_at(counted, sys.maxsize)
        compact(copy)
    steps = next(counter)
    assert steps > 25
    for step in some(range(steps), 10):
        copy = Store(tmp_path / f"copy-{step}")
        shutil.copytree(store.root, copy.root)
        with monkeypatch.context() as deadly:
            die_at(deadly, step)
            with pytest.raises(Killed):
                compact(copy)
        assert contents(copy) == expected, f"after step {step}"
        compact(copy)
        assert contents(copy) == expected, f"after step {step} and another compaction"
        assert not loose(copy)
        shutil.rmtree(copy.root)


@pytest.mark.share(1, of="compaction that is disturbed")
@pytest.mark.slow
def test_a_killed_process_leaves_a_whole_store(tmp_path: Path, store: Store, make_trial: Make) -> None:
    """SIGKILL, at moments spread over the run."""
    for seed in range(8):
        finish(store, make_trial(seed=seed), test_accuracy=float(seed))
    expected = contents(store)
    script = (
        "import sys; from bench.store import Store, compact; s = Store.open(sys.argv[1]); print(flush=True); compact(s)"
    )
    for wait in (0.0, 0.03, 0.06, 0.1, 0.2):
        with subprocess.Popen([sys.executable, "-c", script, str(store.root)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        assert contents(store) == expected


def _write_many(root: str, number: int, base: str, start: Any) -> None:
    store, fields = Store.open(root), json.loads(base)
    start.wait()
    for seed in range(number * 5, number * 5 + 5):
        trial = Trial.from_dict({**fields, "seed": seed})
        if seed % 5 == 0:
            finish(store, trial, "error")
        finish(store, trial, test_accuracy=float(seed))


@pytest.mark.share(1, of="compaction that is disturbed")
@pytest.mark.slow
def test_sixteen_writers_a_compactor_and_a_reader_lose_nothing(store: Store, make_trial: Make) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(17)
    base = json.dumps(make_trial().as_dict())
    writers = [context.Process(target=_write_many, args=(str(store.root), n, base, start)) for n in range(16)]
    for writer in writers:
        writer.start()
    start.wait()
    seen = 0
    while any(writer.is_alive() for writer in writers):
        compact(store)
        count = query(store, "SELECT count(*) AS n FROM results WHERE outcome = 'done'").column("n")[0].as_py()
        assert count >= seen, "a trial that was there is gone"
        seen = count
    assert all(writer.exitcode == 0 for writer in writers)
    for _ in range(2):
        rows = query(store, "SELECT seed, outcome, test_accuracy FROM results ORDER BY seed").to_pylist()
        assert rows == [{"seed": s, "outcome": "done", "test_accuracy": float(s)} for s in range(80)]
        assert query(store, "SELECT * FROM attempts").num_rows == 80 + 16
        assert query(store, "SELECT * FROM history").num_rows == 80
        compact(store)
