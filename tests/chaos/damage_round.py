"""Damage round: what readers say of a store with one damaged file, beside what they say of it whole.

Each answer must be the same, or leave a trial out and name it or the file. Whatever a reader stumbles on, `store check`
names.
"""

from __future__ import annotations

import json
import math
import random
import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.chaos import oracle
from tests.chaos.command import TRACEBACK, Answer, sambench
from tests.chaos.damage import KINDS, Damage, copy, make_store, strike
from tests.chaos.processes import Household
from tests.chaos.tally import Tally

QUERIES = {
    "results": "SELECT trial_id, variant, scope, rho, lr, seed, test_accuracy, sharpness FROM results",
    "attempts": "SELECT trial_id, attempt, outcome, launcher FROM attempts",
    "history": "SELECT trial_id, epoch, lr FROM history",
    "measures": "SELECT trial_id, measure, settings, value FROM measures",
}
KEYS = {"attempts": 2, "history": 2, "measures": 3}
"""How many columns tell the rows of a table apart, where it isn't the trial alone."""
Answers = dict[str, Answer]


def read(store: Path, sweep: Path, *, page: bool) -> Answers:
    """What every reader says; `page`: also the report, which takes longest."""
    at = ("--store", store)
    answers = {table: sambench("query", sql, "--json", *at) for table, sql in QUERIES.items()}
    answers["board"] = sambench("board", sweep, "--metric", "test_accuracy", "--format", "json", *at)
    answers["status"] = sambench("status", sweep, *at)
    answers["check"] = sambench("store", "check", *at)
    if page:
        answers["report"] = sambench("report", sweep, *at, "--output", store.parent / "report.html")
    return answers


def compare(reference: Answers, found: Answers, damage: Damage) -> Iterator[str]:
    """What is wrong with the answers."""
    stumbled = False
    for name, answer in found.items():
        if TRACEBACK in answer.text:
            yield f"traceback: {name}: {answer.err[-700:]!r}"
        if name == "check":
            continue
        named = _names(answer, damage, reference[name])
        stumbled |= named or answer.code != reference[name].code
        if answer.code != reference[name].code:
            if damage.kind != "store.json" or not named:
                yield f"refused: {name} ended with {answer.code}: {answer.err[-300:]!r}"
        elif name in QUERIES:
            yield from _rows_differ(name, reference[name], answer, damage)
        elif name == "board":
            yield from _board_differs(reference, answer, damage)
        elif name == "status" and answer.out != reference[name].out and not named:
            yield f"silent: status says {answer.out!r}"
    if stumbled and not _check_names(found["check"], damage):
        yield f"check misses it: {found['check'].text[-300:]!r}"


def _rows_differ(table: str, reference: Answer, answer: Answer, damage: Damage) -> Iterator[str]:
    count = KEYS.get(table, 1)
    expected, found = _by_key(reference, count), _by_key(answer, count)
    for key, row in found.items():
        for column, value in row.items():
            if key not in expected or (value is not None and value != expected[key][column]):
                yield f"wrong number: {table} has {column} = {value} for {key}"
    absent = [key for key, row in expected.items() if any(found.get(key, {}).get(name) != row[name] for name in row)]
    if absent and not _names(answer, damage, reference):
        yield f"silent: {table} lacks something of {absent[0]}"


def _by_key(answer: Answer, count: int) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = json.loads(answer.out)
    return {tuple(row.values())[:count]: row for row in rows}


def _board_differs(reference: Answers, answer: Answer, damage: Damage) -> Iterator[str]:
    """A mean may be of fewer trials, if that is said, but of no other numbers."""
    cells = {_place(cell): cell for cell in json.loads(answer.out)["cells"]}
    rows = json.loads(reference["results"].out)
    for cell in json.loads(reference["board"].out)["cells"]:
        found = cells.pop(_place(cell), {"n": 0, "mean": None})
        if (found["n"], found["mean"]) == (cell["n"], cell["mean"]):
            continue
        values = [row["test_accuracy"] for row in rows if row["scope"] == cell["scope"] and row["test_accuracy"]]
        fewer = found["n"] < cell["n"] and (not found["n"] or _mean_of_some(found["n"], found["mean"], values))
        if not fewer:
            yield f"wrong number: board: {found['mean']} of {found['n']}, not {cell['mean']} of {cell['n']}"
        elif not _names(answer, damage, reference["board"]):
            yield f"silent: board: {found['n']} trials, not {cell['n']}"
    yield from (f"wrong number: board has a cell {cell}" for cell in cells if cells[cell]["n"])


def _place(cell: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(cell[name] for name in ("row", "column", "scope", "rho"))


def _mean_of_some(count: int, mean: float, values: list[float]) -> bool:
    return any(math.isclose(fmean(some), mean) for some in combinations(values, count))


def _names(answer: Answer, damage: Damage, before: Answer) -> bool:
    """Whether the trial or file is named, where it isn't while the store is whole: rows name their trials anyway."""
    parts = damage.path.parts
    trial = parts[parts.index("trials") + 1] if "trials" in parts else damage.path.name
    # A terminal's lines may be broken anywhere.
    told, known = ("".join(each.err.split()) for each in (answer, before))
    new_in_answer = damage.path.name in answer.out and damage.path.name not in before.out
    new_trial = trial in answer.out and trial not in before.out
    return any(word in told and word not in known for word in (trial, damage.path.name)) or new_in_answer or new_trial


def _check_names(answer: Answer, damage: Damage) -> bool:
    """Whether `store check` lists the file, or the trial that it is of, as damaged."""
    folder = damage.path.parent.name if "trials" not in damage.path.parts else damage.path.parts[-2]
    listed = [line for line in answer.out.splitlines() if line.startswith(("damaged:", "wrong id:", "orphan:"))]
    return any(damage.path.name in line and folder in line for line in listed) or (
        bool(answer.code) and damage.path.name in answer.err
    )


def play(folder: Path, seed: int, tally: Tally, count: int, kinds: list[str]) -> None:
    """Damage `count` copies of one store, the kinds of files in turn."""
    household, sweep, whole = Household(folder / "said"), folder / "sweep.yaml", folder / "whole"
    made = household.call("maker", lambda: make_store(whole, sweep))
    assert made.status == 0, made.said()
    chance = random.Random(seed)
    order = chance.sample(kinds, len(kinds))
    for number in range(count):
        kind = order[number % len(order)]
        place = folder / f"{number:04d}"
        copy(whole, place / "store")
        damage = strike(place / "store", chance, kind)
        if damage is None:
            shutil.rmtree(place)
            continue
        tally.damages[kind] += 1
        found = _judge(household, whole, place, sweep, damage, page=number % 5 == 0)
        tally.answers["damage"] += 7
        tally.findings += [f"{finding} [{damage}, seed {seed}, {place}]" for finding in found]
        if not found:
            shutil.rmtree(place)
    tally.rounds["damage"] += 1


def _judge(household: Household, whole: Path, place: Path, sweep: Path, damage: Damage, *, page: bool) -> list[str]:
    def work() -> None:
        reference = _reference(whole, sweep)
        for finding in compare(reference, read(place / "store", sweep, page=page), damage):
            oracle.tell(finding)

    try:
        child = household.call("reader", work)
    except TimeoutError as error:
        return [f"hung: {error}"]
    found = oracle.told(child.said())
    return found if child.status == 0 or found else [f"crashed: readers ended with {child.status}: {child.said()}"]


def _reference(whole: Path, sweep: Path) -> Answers:
    """What readers say of the whole store; asked once, by the first."""
    kept = whole.parent / "reference.json"
    if not kept.exists():
        answers = read(whole, sweep, page=True)
        # No damage is named where there is none.
        assert not any(answer.code for answer in answers.values()), answers
        kept.write_text(json.dumps(answers), encoding="utf-8")
    said: dict[str, list[Any]] = json.loads(kept.read_text(encoding="utf-8"))
    return {name: Answer(*answer) for name, answer in said.items()}


__all__ = ["KINDS", "play"]
