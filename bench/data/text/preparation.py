"""Preparation: raw text to subwords, as fairseq's script prepares IWSLT'14; cached by content.

Tokens of the training pairs that fit (`bench.data.text.cleaning`) and of the whole test set, byte-pair encoding
(Sennrich et al. 2016) learned on both languages of the training pairs together, and a vocabulary for each.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch

from bench.cache import cache_folder
from bench.data.files.location import DataError
from bench.data.text.cleaning import cleaned, tokenised, tool_versions
from bench.data.text.corpus import SPECIAL, UNKNOWN, Corpus, Pairs, Sentences, joined
from bench.data.text.raw import Pair, RawCorpus, parts
from bench.data.text.text_files import TextFiles

FORMAT = 1
"""Of the kept file, and of the rules by which it is made."""
_SPLITS = ("train", "validation", "test")


def load(files: TextFiles, *, bpe_merges: int) -> Corpus:
    """The corpus in `files`, prepared once for each content, number of merges and version of the tools."""
    raw = files.read()
    key = hashlib.sha256(f"{FORMAT} {bpe_merges} {tool_versions()} {raw.digest()}".encode()).hexdigest()[:16]
    path = cache_folder() / "text" / f"{key}.npz"
    with suppress(OSError, ValueError, KeyError, BadZipFile):
        return _read(path)
    corpus = prepared(raw, bpe_merges)
    # Nothing but time is lost without it.
    with suppress(OSError):
        _write(path, corpus)
    return corpus


def prepared(raw: RawCorpus, bpe_merges: int) -> Corpus:
    """Tokenise, clean, split, learn subwords and number them; DataError if too few pairs are left."""
    train, validation, held = parts(cleaned(raw), test=raw.test is None)
    test = held if raw.test is None else list(tokenised(raw.test, raw.languages))
    if not (train and validation and test):
        raise DataError(f"a corpus of {len(raw.pairs)} pairs leaves a split empty: {len(train)} for training")
    cut = _subwords(train, bpe_merges)
    pieces = [
        [(cut(source).split(), cut(target).split()) for source, target in part] for part in (train, validation, test)
    ]
    words = tuple(_vocabulary(pair[side] for pair in pieces[0]) for side in (0, 1))
    return Corpus(
        train=_numbered(pieces[0], words, references=False),
        validation=_numbered(pieces[1], words, references=True),
        test=_numbered(pieces[2], words, references=True),
        source_words=words[0],
        target_words=words[1],
    )


def _subwords(train: Sequence[Pair], merges: int) -> Callable[[str], str]:
    """What cuts a text to subwords, learned on both sides of the training pairs together."""
    from subword_nmt.apply_bpe import BPE
    from subword_nmt.learn_bpe import learn_bpe

    codes = io.StringIO()
    both = [source for source, _ in train] + [target for _, target in train]
    # It draws a bar.
    with redirect_stderr(io.StringIO()):
        learn_bpe(io.StringIO("\n".join(both)), codes, merges)
    codes.seek(0)
    cut: Callable[[str], str] = BPE(codes).process_line
    return cut


def _vocabulary(sentences: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Special entries, then all words, the most frequent first; as many as a multiple of 8, as fairseq fills up."""
    counts = Counter(word for sentence in sentences for word in sentence)
    words = [*SPECIAL, *sorted(counts, key=lambda word: (-counts[word], word))]
    return (*words, *(f"<fill{number}>" for number in range(-len(words) % 8)))


def _numbered(
    part: Sequence[tuple[list[str], list[str]]], words: Sequence[Sequence[str]], *, references: bool
) -> Pairs:
    source, target = (
        Sentences.of([numbers.get(word, UNKNOWN) for word in pair[side]] for pair in part)
        for side, numbers in enumerate({word: number for number, word in enumerate(known)} for known in words)
    )
    return Pairs(source, target, tuple(joined(" ".join(pair[1])) for pair in part) if references else ())


def _write(path: Path, corpus: Corpus) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {"source": _bytes(corpus.source_words), "target": _bytes(corpus.target_words)}
    for name in _SPLITS:
        pairs: Pairs = getattr(corpus, name)
        for side in ("source", "target"):
            sentences: Sentences = getattr(pairs, side)
            arrays |= {f"{name}_{side}": sentences.tokens.numpy(), f"{name}_{side}_starts": sentences.starts.numpy()}
        arrays[f"{name}_references"] = _bytes(pairs.references)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".tmp-", delete=False) as file:
        try:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def _read(path: Path) -> Corpus:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    splits = {name: _pairs(found, name) for name in _SPLITS}
    return Corpus(**splits, source_words=_texts(found["source"]), target_words=_texts(found["target"]))


def _pairs(arrays: dict[str, Any], name: str) -> Pairs:
    source, target = (
        Sentences(torch.from_numpy(arrays[f"{name}_{side}"]), torch.from_numpy(arrays[f"{name}_{side}_starts"]))
        for side in ("source", "target")
    )
    return Pairs(source, target, _texts(arrays[f"{name}_references"]))


def _bytes(texts: Sequence[str]) -> Any:
    return np.frombuffer("\n".join(texts).encode(), dtype=np.uint8)


def _texts(stored: Any) -> tuple[str, ...]:
    text = bytes(stored).decode()
    return tuple(text.split("\n")) if text else ()
