"""A small transformer on real sentences, those of Debian's dictionary trans-de-en: it learns to translate a little."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from bench.data.text.corpus import Corpus, joined
from bench.data.text.ding import DING, FILE
from bench.tasks.bleu import score
from bench.tasks.translation import Translation
from bench.train.training import Training
from bench.trial import Trial
from tests.shared.training import CPU, TRANSLATION

pytest.importorskip("sacremoses")
pytest.importorskip("subword_nmt")
pytest.importorskip("sacrebleu")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.share(0),
    pytest.mark.skipif(not FILE.exists(), reason="trans-de-en isn't installed"),
]

LONGEST = 7
"""Words of a sentence: more can be learned in seconds from short ones."""
MARGIN = 2.0
"""BLEU above that of copying the source, which was fixed before the test was first run."""


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The dictionary's short sentences as a corpus of one's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SAMBENCH_DATA", str(tmp_path))
    pairs = [pair for pair in DING.read().pairs if max(len(text.split()) for text in pair) <= LONGEST]
    assert len(pairs) > 5000
    text = "de\ten\n" + "".join("\t".join(pair) + "\n" for pair in pairs)
    (tmp_path / "short.tsv").write_text(text, encoding="utf-8")
    return "parallel:short.tsv"


def test_real_sentences_are_learned(short: str, make_trial: Callable[..., Trial]) -> None:
    settings = (("beta1", 0.9), ("beta2", 0.98), ("bpe_merges", 800), ("dropout", 0.1), ("eps", 1e-8))
    fields = {"dataset": short, "epochs": 6, "lr": 4e-3, "warmup_steps": 60, "settings": settings}
    training = Training(make_trial(**TRANSLATION | fields), CPU)
    assert isinstance(training.workload, Translation)
    rows = [training.run_epoch() for _ in range(6)]
    losses = [row["val_loss"] for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] - 0.8
    assert training.measure()["bleu"] > copied(training.workload.corpus) + MARGIN


def copied(corpus: Corpus) -> float:
    """BLEU of the source itself, taken for its translation."""
    tokens, starts = corpus.test.source.tokens.tolist(), corpus.test.source.starts.tolist()
    texts = [
        joined(" ".join(corpus.source_words[token] for token in tokens[start : end - 1]))
        for start, end in pairwise(starts)
    ]
    return score(texts, corpus.test.references)
