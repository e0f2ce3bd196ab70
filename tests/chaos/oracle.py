"""Oracle: is what a store says true, while it is disturbed and afterwards?

Each check yields what is wrong, in a line that begins with its kind.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from bench.store import Store
from tests.chaos.command import TRACEBACK, Answer, sambench
from tests.chaos.truth import Truth, digest

FINDING = "finding: "
"""Begins a line of a child's output that tells what is wrong."""
RESULTS = "SELECT trial_id, test_accuracy FROM results WHERE outcome = 'done' ORDER BY trial_id"
TEMPORARY = (".tmp-*", ".probe-*", ".work-*", "*.tmp")
_LONG_AGO = 7200.0
"""Seconds by which leftovers are made older than anything that could still be at work."""


def tell(finding: str) -> None:
    """Say from a child what is wrong."""
    print(f"{FINDING}{finding}", flush=True)


def told(text: str) -> list[str]:
    """What a child found wrong, a traceback included."""
    found = [line.removeprefix(FINDING) for line in text.splitlines() if line.startswith(FINDING)]
    if TRACEBACK in text:
        found.append(f"traceback: {text[text.index(TRACEBACK) :][-1500:]}")
    return found


def spoken(what: str, answer: Answer, codes: tuple[int, ...] = (0,)) -> Iterator[str]:
    """A traceback, or an exit code that nothing explains."""
    if TRACEBACK in answer.text:
        yield f"traceback: {what}: {answer.text[-1500:]!r}"
    elif answer.code not in codes:
        yield f"refused: {what} ended with {answer.code}: {answer.text[-1500:]!r}"


def done_trials(store: Path) -> tuple[dict[str, float], Answer]:
    """Accuracy of the done trials, as `query` gives them."""
    answer = sambench("query", RESULTS, "--json", "--store", store)
    if answer.code:
        return {}, answer
    return {row["trial_id"]: row["test_accuracy"] for row in json.loads(answer.out)}, answer


def wrong_rows(rows: dict[str, float], truth: Truth) -> Iterator[str]:
    """Trials whose number isn't the undisturbed one."""
    for trial_id, accuracy in rows.items():
        if accuracy != truth.accuracy.get(trial_id):
            yield f"wrong number: query: {trial_id} has {accuracy}, not {truth.accuracy.get(trial_id)}"


def wrong_board(store: Path, truth: Truth, rows: dict[str, float]) -> Iterator[str]:
    """Cells of the board that aren't the mean of these trials."""
    answer = sambench("board", truth.sweep, "--store", store, "--metric", "test_accuracy", "--format", "json")
    yield from spoken("board", answer)
    if answer.code:
        return
    trials = truth.trials
    for cell in json.loads(answer.out)["cells"]:
        held = [value for trial_id, value in rows.items() if trials[trial_id].scope == cell["scope"]]
        same = not held if cell["mean"] is None else bool(held) and math.isclose(cell["mean"], fmean(held))
        if cell["n"] != len(held) or not same:
            yield f"wrong number: board: {cell['scope']} is {cell['mean']} of {cell['n']}, not of {len(held)} trials"


def wrong_status(store: Path, truth: Truth, done: int) -> Iterator[str]:
    """A count of done trials that isn't so."""
    answer = sambench("status", truth.sweep, "--store", store)
    yield from spoken("status", answer)
    if not answer.code and f"{done} done" not in answer.out and done:
        yield f"wrong number: status: not {done} done: {answer.out!r}"


def whole(store: Path, truth: Truth) -> Iterator[str]:
    """Everything that is wrong with a store whose trials are all to be done, and which nobody disturbs now."""
    yield from spoken("store check", sambench("store", "check", "--store", store))
    rows, answer = done_trials(store)
    yield from spoken("query", answer)
    yield from wrong_rows(rows, truth)
    lost = truth.accuracy.keys() - rows.keys()
    yield from (f"lost: {trial_id} isn't done" for trial_id in sorted(lost))
    yield from _once(store, truth)
    for trial_id, expected in truth.weights.items():
        weights = Store(store).folder(trial_id).weights
        if trial_id in rows and (not weights.exists() or digest(weights) != expected):
            yield f"wrong weights: {trial_id} {'differs' if weights.exists() else 'is missing'}"
    yield from wrong_board(store, truth, rows)
    yield from wrong_status(store, truth, len(rows))


def _once(store: Path, truth: Truth) -> Iterator[str]:
    sql = "SELECT trial_id, attempt FROM attempts WHERE outcome = 'done'"
    done = Counter(row["trial_id"] for row in _rows(store, sql))
    yield from (f"twice done: {trial_id}: {count} records" for trial_id, count in done.items() if count != 1)
    epochs = Counter(row["trial_id"] for row in _rows(store, "SELECT trial_id, epoch FROM history"))
    for trial_id in done:
        if epochs[trial_id] != truth.epochs:
            yield f"wrong number: history of {trial_id}: {epochs[trial_id]} epochs, not {truth.epochs}"


def _rows(store: Path, sql: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(sambench("query", sql, "--json", "--store", store).out or "[]")
    return rows


def leftovers(store: Path, *clean: tuple[object, ...]) -> Iterator[str]:
    """What killed processes left and these commands, long after them, do not remove."""
    for path in temporary(store):
        os.utime(path, (time.time() - _LONG_AGO,) * 2)
    for command in clean:
        yield from spoken(" ".join(map(str, command)), sambench(*command))
    kinds = Counter(
        f"{path.parent.name if path.parent != store else 'store'}/{path.name[:5]}" for path in temporary(store)
    )
    yield from (f"leftover: {count} files such as {kind}* in {store}" for kind, count in kinds.items())


def clear_up(store: Path) -> tuple[object, ...]:
    """The command that removes what nobody else came by."""
    return ("store", "check", "--repair", "--store", store)


def temporary(folder: Path) -> list[Path]:
    """Files whose names say that they were to be renamed or removed."""
    return sorted({path for pattern in TEMPORARY for path in folder.rglob(pattern)})
