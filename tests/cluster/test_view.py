"""What a driver shows: a live view of at most 80 columns, and a line per finished trial where nobody looks."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from bench.store import Store
from bench.store.progress import EpochProgress, write_progress
from bench.trial import Trial
from cluster.progress import Progress
from cluster.report import TrialReport


@pytest.fixture
def trials(store: Store, make_trial: Callable[..., Trial]) -> list[Trial]:
    made = [make_trial(seed=seed, variant="elementwise_l2_orig", scope="only_norm", rho=0.5) for seed in range(5)]
    store.add(made)
    return made


def progress(store: Store, trials: list[Trial], *, terminal: bool, seconds: float | None = None) -> Progress:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
    labels = {trial.trial_id: trial.label for trial in trials}
    expected = {} if seconds is None else dict.fromkeys(labels, seconds)
    return Progress(console, labels, done=0, store=store, expected=expected)


def seen(shown: Progress) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(shown.view())
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= 80
    return text


def test_the_live_view_fits_80_columns_and_says_what_runs(store: Store, trials: list[Trial]) -> None:
    shown = progress(store, trials, terminal=True, seconds=60)
    assert "starting workers" in seen(shown)
    assert "0:05:00 to go" in seen(shown)
    for trial in trials[:2]:
        shown.started(trial.trial_id)
    write_progress(store.folder(trials[0].trial_id), EpochProgress(epoch=3, epochs=9, quality=71.5, seconds=0.25))
    text = seen(shown)
    assert "0/5 done · 2 running · 5 left · about 0:02:30 to go" in text.replace("\n", " ")
    assert f"{trials[0].trial_id[:7]} 3/9 71.5 % 0.25 s" in text
    assert f"{trials[1].trial_id[:7]} starting" in text
    shown.finished(TrialReport(trial_id=trials[0].trial_id, outcome="done", quality=88.25))
    assert "1/5 done" in seen(shown)
    assert "best so far 88.2 %: resnet8 sgd" in seen(shown)


def test_a_trial_that_is_tried_again_counts_once(store: Store, trials: list[Trial]) -> None:
    shown = progress(store, trials[:2], terminal=False)
    for trial, outcome in zip((*trials[:2], trials[0]), ("crashed", "done", "done"), strict=True):
        shown.started(trial.trial_id)
        shown.finished(TrialReport(trial_id=trial.trial_id, outcome=outcome, quality=90.0))
        if outcome == "crashed":
            assert "0/2 done · 0 running · 1 failed · 1 left" in shown.text()
    assert shown.text().startswith("2/2 done · 0 running · 0 left")


def test_elsewhere_there_is_a_line_for_each_finished_trial(store: Store, trials: list[Trial]) -> None:
    shown = progress(store, trials, terminal=False)
    with shown:
        for trial, outcome in zip(trials, ("done", "done", "diverged", "held"), strict=False):
            shown.started(trial.trial_id)
            shown.finished(TrialReport(trial_id=trial.trial_id, outcome=outcome, quality=90.0, message="NaN"))
    first, *lines, last = shown._console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert first == "0/5 done · starting workers · 5 left"
    assert [line.split(" ")[:2] for line in lines] == [
        ["done:", trials[0].trial_id],
        ["done:", trials[1].trial_id],
        ["diverged:", trials[2].trial_id],
    ]
    assert last.startswith("2/5 done · 0 running · 1 failed · 2 left")
