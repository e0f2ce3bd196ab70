"""Cost beside accuracy: passes as counted or declared, time beside the base optimizer's on the same device."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from rich.console import Console

from bench.board import formats, make_board, show_board
from bench.board.statistics import Summary
from bench.errors import UserError
from bench.plots.draw import draw
from bench.plots.pareto import MethodPoint, front
from bench.store import Store
from bench.store.results import write_history
from bench.sweep import Sweep
from bench.trial import Trial
from tests.board.conftest import Write
from tests.shared.store import done

SWEEP = """
title: "Costs"
recipe: digits-resnet
grid: {model: resnet8, seed: 2, epochs: 8}
methods:
  - {}
  - {epochs: equal-compute}
  - {variant: sam, scope: [all, only_norm], rho: 0.5}
  - {variant: looksam, rho: 0.5, every: 4}
"""
ACCURACY = {"none": 90.0, "all": 92.0, "only_norm": 93.0}
PER_SECOND = {"none": 100.0, "all": 50.0, "only_norm": 80.0}
CPU = {"device_type": "cpu", "device": "a processor", "threads": 1}


def finished(store: Store, trial: Trial, *, per_second: float, **attempt: object) -> None:
    """Done as a worker leaves it, with epochs of which the second half takes twice as long as the first."""
    done(store, trial, ACCURACY[trial.scope] + trial.seed + trial.epochs / 8, **(CPU | attempt))  # type: ignore[arg-type]
    halves = [per_second * 4 / 3, per_second * 2 / 3]
    rows = [{"epoch": epoch, "images_per_s": halves[epoch > trial.epochs / 2]} for epoch in range(1, trial.epochs + 1)]
    write_history(store.folder(trial.trial_id), rows)


@pytest.fixture
def sweep(write: Write) -> Sweep:
    return write(SWEEP)


@pytest.fixture
def filled(store: Store, sweep: Sweep) -> Store:
    for trial in sweep.trials:
        steps = 10 * trial.epochs
        counted = {"steps": steps, "passes": {"sam": 1.9, "none": 1.0}.get(trial.variant, 0) * steps or None}
        finished(store, trial, per_second=PER_SECOND[trial.scope], **counted)
    return store


def test_counts_win_over_declared_passes_and_epochs_count(filled: Store, sweep: Sweep) -> None:
    costs = make_board(filled, sweep, cost=True).costs
    assert costs is not None
    found = {(row, scope): (cost.passes, cost.time) for (row, _, scope), cost in costs.items()}
    assert found == {
        ("base optimizer · epochs 8", "none"): pytest.approx((1.0, 1.0)),
        ("base optimizer · epochs 16", "none"): pytest.approx((2.0, 2.0)),
        ("base optimizer · epochs 10", "none"): pytest.approx((1.25, 1.25)),
        ("sam", "all"): pytest.approx((1.9, 2.0)),
        ("sam", "only_norm"): pytest.approx((1.9, 1.25)),
        ("looksam", "all"): pytest.approx((1.25, 2.0)),
    }


def test_times_need_a_base_optimizer_on_the_same_device_that_any_sweep_may_have_run(store: Store, write: Write) -> None:
    methods = write(SWEEP.replace("  - {}\n  - {epochs: equal-compute}\n", ""))
    for trial in methods.trials:
        finished(store, trial, per_second=50.0, first_epoch=1 if trial.variant == "looksam" else 0)
    untimed = make_board(store, methods, cost=True)
    assert {cost.time for cost in (untimed.costs or {}).values()} == {None}
    (note,) = [each for each in show_board(store, methods, cost=True).notes if each.startswith("No time for")]
    assert note.startswith("No time for 3 of 3 methods: they, or their base optimizer with the same model")
    base = write(SWEEP).trials[0]
    finished(store, base, per_second=100.0)
    elsewhere = write(SWEEP).trials[1]
    finished(store, elsewhere, per_second=1.0, device="another")
    costs = make_board(store, methods, cost=True).costs or {}
    timed = {(row, scope): (cost.passes, cost.time) for (row, _, scope), cost in costs.items()}
    assert timed["sam", "all"] == pytest.approx((2.0, 2.0))
    assert timed["looksam", "all"] == (1.25, None)


def test_the_columns_stand_in_every_format(filled: Store, sweep: Sweep) -> None:
    page = show_board(filled, sweep, cost=True)
    grid, *_ = page.grids
    shown = {line.label: [entry.text for entry in line.entries[1:]] for line in grid.blocks[0].lines}
    assert shown["sam / only_norm"] == ["1.90", "1.25"]
    assert shown["base optimizer · epochs 16"] == ["2.00", "2.00"]
    rows = list(csv.DictReader(io.StringIO(formats.FORMATS["csv"](page))))
    assert [float(row["time"]) for row in rows if row["scope"] == "only_norm"] == pytest.approx([1.25])
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(formats.terminal(page))
    assert "passes" in console.export_text()
    assert all("1.90" in formats.FORMATS[name](page) for name in ("markdown", "latex", "html"))
    assert "passes" not in formats.FORMATS["csv"](show_board(filled, sweep))


def test_the_papers_page_has_no_costs(filled: Store, sweep: Sweep) -> None:
    with pytest.raises(UserError, match="leave out --cost"):
        show_board(filled, sweep, against="paper", cost=True)


def test_the_front_is_what_none_beats_at_the_same_cost_or_less() -> None:
    def point(name: str, cost: float, mean: float) -> MethodPoint:
        return MethodPoint(name, cost, Summary(mean, 0.1, 3))

    points = [point("a", 1, 90), point("b", 2, 89), point("c", 2, 92), point("d", 2, 91), point("e", 3, 92)]
    assert [each.name for each in front(points)] == ["a", "c"]
    assert [each.name for each in front(points, -1.0)] == ["a", "b"]


def test_the_plot_has_both_costs_and_the_front(filled: Store, sweep: Sweep, tmp_path: Path) -> None:
    output = tmp_path / "pareto.svg"
    draw(filled, sweep, make_board(filled, sweep), "pareto", [output])
    text = output.read_text(encoding="utf-8")
    for told in ("passes / base", "training time / base", "front", "sgd · epochs 16", "sam / only_norm"):
        assert f"<!-- {told}" in text, told
