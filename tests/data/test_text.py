"""Parallel text: the organisers' files, the user's own, and what preparation makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import data
from bench.data.files.location import DataError, DataFiles
from bench.data.text.corpus import END, SPECIAL, Corpus, Pairs, Sentences
from bench.data.text.ding import sentences
from bench.data.text.iwslt import IWSLT14, IwsltFiles
from bench.data.text.parallel import ParallelFiles
from bench.data.text.preparation import load, prepared
from bench.data.text.raw import RawCorpus
from bench.data.text.token_batches import packed
from bench.sweep import load as load_sweep
from bench.sweep.checks.preflight import preflight
from tests.shared.command import Ended

pytest.importorskip("sacremoses")
pytest.importorskip("subword_nmt")

SEGMENTS = ("TED.dev2010", "TEDX.dev2012", "TED.tst2010", "TED.tst2011", "TED.tst2012")
SWEEP = """
title: "A corpus of one's own"
grid: {dataset: "parallel:mine.tsv", model: transformer_tiny, optimizer: adamw, lr: 1e-3, weight_decay: 0}
methods: [{batch_size: 512, epochs: 1, seed: 1}]
"""
PAIRS = [(f"Das Haus {number} ist's, sagt er.", f"It's house {number}, he says.") for number in range(60)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SAMBENCH_DATA", str(tmp_path))


def write_iwslt(root: Path) -> None:
    """A few talks in the archive's format."""
    root.mkdir()
    for language, side in (("de", 0), ("en", 1)):
        spoken = "\n".join(f"{pair[side]} " for pair in PAIRS)
        head = (
            f"<url>http://x</url>\n<keywords>a, b</keywords>\n<talkid>1</talkid>\n<title>{language} title here</title>"
        )
        (root / f"train.tags.de-en.{language}").write_text(f"{head}\n{spoken}\n", encoding="utf-8")
        for name in SEGMENTS:
            text = f'<doc docid="1">\n<seg id="1"> {name} It’s {language}. </seg>\n</doc>\n'
            (root / f"IWSLT14.{name}.de-en.{language}.xml").write_text(text, encoding="utf-8")


def test_the_archive_is_read_as_the_recipe_reads_it(tmp_path: Path) -> None:
    write_iwslt(tmp_path / "iwslt14_de_en")
    raw = IwsltFiles(test_pairs=5).read()
    assert raw.pairs[0] == ("de title here", "en title here")
    assert len(raw.pairs) == 61
    assert raw.test is not None
    assert raw.test[0] == ("TED.dev2010 It's de.", "TED.dev2010 It's en.")
    corpus = prepared(raw, 20)
    # 61 pairs, of which the 23rd and the 46th are held out.
    assert [len(part) for part in (corpus.train, corpus.validation, corpus.test)] == [59, 2, 5]
    assert corpus.validation.references[0] == "it &apos;s house 21 , he says ."
    with pytest.raises(DataError, match="5 pairs in the test sets, not 6750"):
        IWSLT14.read()


def test_files_that_are_missing_or_do_not_match_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.tags\.de-en\.de is not there"):
        IWSLT14.check()
    write_iwslt(tmp_path / "iwslt14_de_en")
    (tmp_path / "iwslt14_de_en" / "train.tags.de-en.en").write_text("one\n", encoding="utf-8")
    with pytest.raises(DataError, match="61 sentences in de and 1 in en"):
        IwsltFiles(test_pairs=None).read()


@pytest.mark.parametrize("name", [*data.DATASETS, *data.TEST_SETS, "folder:pets", "parallel:sub/mine.tsv"])
def test_files_of_every_data_set_can_be_asked_the_same(name: str) -> None:
    files = data.files_of(data.TEST_SETS[name] if name in data.TEST_SETS else data.entry(name))
    if files is None:
        return
    assert files.name == name
    for member in (member for member in vars(DataFiles) if not member.startswith("_")):
        assert hasattr(files, member)
    if files.root.is_dir():
        assert files.check() == ()
    else:
        with pytest.raises(DataError, match=f"data set {name}: "):
            files.check()


def test_a_corpus_is_checked_as_other_data_sets_are(tmp_path: Path, sambench: Callable[..., Ended]) -> None:
    (tmp_path / "mine.tsv").write_text("de\ten\nein Haus\ta house\n", encoding="utf-8")
    for word in ("check", "get"):
        asked = sambench("data", word, "parallel:mine.tsv")
        assert (asked.returncode, str(tmp_path) in asked.stderr) == (0, True), asked.stderr


def test_a_sweep_on_a_corpus_is_begun(tmp_path: Path) -> None:
    (tmp_path / "mine.tsv").write_text("de\ten\nein Haus\ta house\n", encoding="utf-8")
    (tmp_path / "sweep.yaml").write_text(SWEEP, encoding="utf-8")
    assert preflight(load_sweep(tmp_path / "sweep.yaml")) == []


def write_two(tmp_path: Path, name: str = "mine") -> str:
    for side, language in enumerate(("de", "en")):
        text = "".join(f"{pair[side]}\n" for pair in (*PAIRS, PAIRS[0]))
        (tmp_path / f"{name}.de-en.{language}").write_text(text, encoding="utf-8")
    return f"parallel:{name}.de-en"


def test_a_corpus_of_ones_own_in_either_form_is_known_by_its_content(tmp_path: Path) -> None:
    two = write_two(tmp_path)
    text = "de\ten\n" + "".join(f"{source}\t{target}\n" for source, target in PAIRS)
    (tmp_path / "mine.tsv").write_text(text, encoding="utf-8")
    assert ParallelFiles("mine.de-en").read() == ParallelFiles("mine.tsv").read()
    identified = data.identified(two)
    (tmp_path / "sub").mkdir()
    moved = data.identified(write_two(tmp_path, "sub/other"))
    assert identified.partition("@")[2] == moved.partition("@")[2] != ""
    assert len(data.load_corpus(identified, {"bpe_merges": 10}).train) == 60 - 2 - 3
    (tmp_path / "mine.de-en.en").write_text("\n" * 61, encoding="utf-8")
    with pytest.raises(DataError, match="plan the sweep anew"):
        data.load_corpus(identified, {"bpe_merges": 10})


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_stands_within_a_line_does_not_end_it(tmp_path: Path, end: str) -> None:
    for language in ("de", "en"):
        text = end.join([f"one\r{language}", f"two\u2028{language}", f"three\x85{language}", ""])
        (tmp_path / f"odd.de-en.{language}").write_bytes(text.encode())
    pairs = ParallelFiles("odd.de-en").read().pairs
    assert pairs == (("one\rde", "one\ren"), ("two\u2028de", "two\u2028en"), ("three\x85de", "three\x85en"))


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.tsv", "de\ten\nx\n", "line 2 has 0 tabs, not 1"),
        ("a.tsv", "Haus, das\thouse\n", "its first line doesn't name two languages"),
        ("a.tsv", None, "a.tsv is not there"),
        ("a.txt", None, "write parallel:FILE.tsv or parallel:NAME.de-en"),
        ("a.de-en", None, "a.de-en.de is not there"),
    ],
)
def test_a_file_that_holds_no_pairs_is_told(tmp_path: Path, name: str, text: str | None, problem: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=problem):
        ParallelFiles(name).check()


def test_preparation_is_kept_by_content_and_made_anew_where_it_is_damaged(tmp_path: Path) -> None:
    files = ParallelFiles(write_two(tmp_path).removeprefix("parallel:"))
    first = load(files, bpe_merges=30)
    (kept,) = (tmp_path / "cache" / "sambench" / "text").iterdir()
    made = kept.stat().st_mtime_ns
    again = load(files, bpe_merges=30)
    assert kept.stat().st_mtime_ns == made
    assert same(first, again)
    kept.write_bytes(kept.read_bytes()[:-40])
    assert same(load(files, bpe_merges=30), first)
    load(files, bpe_merges=20)
    assert len(list(kept.parent.iterdir())) == 2


def same(one: Corpus, other: Corpus) -> bool:
    def parts(corpus: Corpus) -> list[bytes]:
        pairs = (corpus.train, corpus.validation, corpus.test)
        return [np.asarray(side.tokens).tobytes() for each in pairs for side in (each.source, each.target)]

    words = (one.source_words, one.target_words) == (other.source_words, other.target_words)
    return words and parts(one) == parts(other) and one.test.references == other.test.references


def test_pairs_that_do_not_fit_are_left_out_of_training_alone() -> None:
    odd = (("Ein Satz mit so viel mehr Worten .", "Few ."), ("", "x"), ("wort " * 176, "word " * 176))
    corpus = prepared(RawCorpus(languages=("de", "en"), pairs=(*PAIRS, *odd), test=odd[:1]), 10)
    assert len(corpus.train) + len(corpus.validation) == 60
    assert corpus.test.references == ("few .",)
    assert corpus.source_words[: len(SPECIAL)] == SPECIAL
    assert len(corpus.source_words) % 8 == 0


def test_tokens_say_what_was_written() -> None:
    corpus = prepared(RawCorpus(languages=("de", "en"), pairs=tuple(PAIRS)), 5)
    rows = torch.arange(len(corpus.test))
    written = corpus.test.target.padded(rows)
    assert tuple(corpus.text(row.tolist()) for row in written) == corpus.test.references
    assert (written == END).sum(1).eq(1).all()


def drawn(lengths: list[int]) -> Pairs:
    sentences = Sentences.of([[9] * (length - 1) for length in lengths])
    return Pairs(sentences, sentences, ())


def test_batches_hold_at_most_so_many_padded_tokens_and_every_sentence_once() -> None:
    lengths = torch.randint(2, 30, (500,), generator=torch.Generator().manual_seed(1)).tolist()
    batches = packed(drawn(lengths), 400, torch.Generator().manual_seed(2))
    assert sorted(torch.cat(batches).tolist()) == list(range(500))
    for rows in batches:
        assert len(rows) * max(lengths[row] for row in rows) <= 400
        assert len(rows) <= 8 or len(rows) % 8 == 0 or rows is batches[-1]
    # Few sentences more would fit: most of a batch is used.
    assert len(batches) < 1.5 * sum(lengths) / 400
    with pytest.raises(ValueError, match="has 29 tokens, and batch_size is 20"):
        packed(drawn(lengths), 20)


def test_sentences_of_the_dictionary() -> None:
    line = (
        "Katze {f}; Mieze {f} | Die Katze [zool.] schläft (heute) hier. | Wer A; B? | zu kurz. "
        ":: cat | The cat sleeps here today. | x | y z."
    )
    assert list(sentences(line)) == [("Die Katze schläft hier.", "The cat sleeps here today.")]
    assert list(sentences("# Ding :: a b c d.")) == []
    assert list(sentences("Eins zwei drei vier. | x :: One two three four.")) == []
