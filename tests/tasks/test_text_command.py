"""The commands on a corpus of one's own: what is refused before anything is recorded, and what a run gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.data.text.parallel import ParallelFiles
from bench.store import Store
from bench.sweep import load
from tests.shared.command import Ended
from tests.shared.store import finish

pytest.importorskip("sacremoses")
pytest.importorskip("subword_nmt")
pytest.importorskip("sacrebleu")

Command = Callable[..., Ended]
SWEEP = """\
title: Own
grid: {dataset: "parallel:own.tsv", bpe_merges: 10, model: transformer_tiny, optimizer: adamw, lr: 0.003,
       weight_decay: 0, batch_size: 256, epochs: 1, seed: 1}
"""
PAIRS = "".join(f"Das Haus {number} ist alt .\tHouse {number} is old .\n" for number in range(40))
MIXED = """\
title: Mixed
blocks:
- grid: {dataset: toy_translation, model: transformer_tiny}
- grid: {dataset: digits, model: resnet8}
grid: {optimizer: adamw, lr: 0.003, weight_decay: 0, batch_size: 64, epochs: 1, seed: 2}
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SAMBENCH_DATA", str(tmp_path))
    (tmp_path / "own.tsv").write_text(f"\ufeffde\ten\n{PAIRS}", encoding="utf-8")
    file = tmp_path / "own.yaml"
    file.write_text(SWEEP, encoding="utf-8")
    return file


def test_sentences_that_are_too_long_for_training_need_no_batch_that_holds_them(own: Path) -> None:
    (own.parent / "own.tsv").write_text(f"de\ten\n{'ein Wort ' * 150}\t{'a word ' * 150}\n{PAIRS}", encoding="utf-8")
    ParallelFiles("own.tsv").check_batch(16)


@pytest.mark.slow
def test_a_corpus_of_ones_own_is_checked_trained_and_measured(own: Path, sambench: Command) -> None:
    assert "parallel:own.tsv found" in sambench("data", "check", "parallel:own.tsv").stderr
    ran = sambench("run", own, "--on", "inline")
    assert ran.returncode == 0, ran.stderr
    assert "BLEU" in sambench("logs", own).stdout
    measured = sambench("measure", own, "nll", "weight_histogram", "--on", "inline")
    assert measured.returncode == 0, measured.stderr
    assert "nll: not defined for this data set; skipped for 1 trial" in measured.stderr
    assert "own: 1 taken" in measured.stderr


REFUSED = {
    b"": "own.tsv: is empty",
    b"de\ten\n": "0 of its 0 pairs fit for training",
    b"de\ten\n" + PAIRS.encode()[: 38 * 5]: "at least 23 are needed",
    b"de\ten\nf\xfcr\tfor\n": "own.tsv: line 2 isn't UTF-8",
    PAIRS.encode(): "its first line doesn't name two languages by codes, as de and en, but has 'Das Haus 0 ist alt .'",
    b"de\ten\n" + b"ein Wort " * 80 + b"\t" + b"a word " * 80 + b"\n" + PAIRS.encode(): (
        "batch_size = 128 is in padded tokens, and a sentence for training has 161 or more; raise it"
    ),
}
"""What a file holds, and what is said of it."""


@pytest.mark.parametrize(("content", "told"), REFUSED.items(), ids=range(len(REFUSED)))
def test_a_corpus_that_cannot_be_trained_on_is_refused_before_a_store_is_made(
    own: Path, sambench: Command, content: bytes, told: str
) -> None:
    (own.parent / "own.tsv").write_bytes(content)
    ran = sambench("run", own, "--on", "inline", "--set", "batch_size=128")
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), ran.stderr
    assert told in ran.stderr
    assert not (own.parent / "store").exists()


def test_what_tasks_are_judged_by_is_never_shown_together(store: Store, tmp_path: Path, sambench: Command) -> None:
    file = tmp_path / "mixed.yaml"
    file.write_text(MIXED, encoding="utf-8")
    for trial in load(file).trials:
        finish(store, trial, **({"test_accuracy": 90.0} if trial.dataset == "digits" else {"bleu": 20.0}))
    for command in (("board",), ("board", "--metric", "test_accuracy"), ("board", "--cols", "model", "--rows", "seed")):
        told = sambench(*command, file).stdout
        accuracy = "test_accuracy" in command
        assert ("90.0" in told, "20.0" in told, "not measured" in told) == (accuracy, not accuracy, False)
        assert f"2 trials of {'toy_translation' if accuracy else 'digits'} left out" in told
    assert "1 task" not in (ranked := sambench("rank", file)).stdout
    assert "no task has a bleu" in ranked.stderr
    sambench("report", file)
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "Board of test_accuracy" in page


def test_a_metric_of_another_task_is_refused(store: Store, tmp_path: Path, sambench: Command) -> None:
    file = tmp_path / "toy.yaml"
    file.write_text(MIXED.replace("- grid: {dataset: digits, model: resnet8}\n", ""), encoding="utf-8")
    for command in ("board", "plot", "rank"):
        told = sambench(command, file, "--metric", "val_accuracy")
        assert (told.returncode, told.stderr) == (
            2,
            f"--metric: val_accuracy is of classification, and {'rank' if command == 'rank' else 'toy'} has no trials "
            "of that; try bleu\n",
        )
