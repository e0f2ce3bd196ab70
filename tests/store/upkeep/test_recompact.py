"""What is written of a trial after it was compacted: read at once, and folded in its turn."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from bench.store import Store, acquire, compact, query
from bench.store.results import write_history
from bench.trial import Trial
from tests.shared.store import ended, finish
from tests.store.contents import contents, loose

Make = Callable[..., Trial]


def test_an_attempt_after_compaction_is_read_and_folded_in_turn(mixed: Store, make_trial: Make) -> None:
    trial = make_trial(seed=4)
    compact(mixed)
    finish(mixed, trial, test_accuracy=77.0)
    rows = query(mixed, f"SELECT outcome, attempt, test_accuracy FROM results WHERE trial_id = '{trial.trial_id}'")
    assert rows.to_pylist() == [{"outcome": "done", "attempt": 2, "test_accuracy": 77.0}]
    before = contents(mixed)
    assert (
        len(before["attempts"]) == len({row[[n for n, _ in row].index("trial_id")] for row in before["attempts"]}) + 2
    )
    assert compact(mixed).trials == 1
    assert contents(mixed) == before
    assert not list((mixed.root / "changed").iterdir())
    assert not [path for path in loose(mixed) if path.startswith(trial.trial_id)]


def test_a_trial_that_lost_its_folder_goes_on_with_the_next_number(mixed: Store, make_trial: Make) -> None:
    trial = make_trial(seed=4)
    compact(mixed)
    shutil.rmtree(mixed.folder(trial.trial_id).path)
    mixed.add([trial])
    finish(mixed, trial, test_accuracy=50.0)
    attempts = query(mixed, f"SELECT attempt, outcome FROM attempts WHERE trial_id = '{trial.trial_id}' ORDER BY 1")
    assert attempts.to_pylist() == [{"attempt": 1, "outcome": "error"}, {"attempt": 2, "outcome": "done"}]


def test_history_of_a_compacted_trial_that_runs_again(store: Store, make_trial: Make) -> None:
    """The worker writes its history before its attempt ends; until then readers see the earlier one."""
    trial = make_trial()
    finish(store, trial, "error")
    compact(store)
    folder = store.folder(trial.trial_id)
    held = acquire(store, folder, "test", seen=1)
    assert held is not None
    write_history(folder, [{"epoch": 1}, {"epoch": 2}])
    assert query(store, "SELECT * FROM history").num_rows == 1
    held.end(ended(folder, 2))
    assert query(store, "SELECT * FROM history").num_rows == 2
