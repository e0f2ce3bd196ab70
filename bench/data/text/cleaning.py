"""Cleaning: raw sentences to Moses' tokens, and which pairs are fit for training, as fairseq's script has it.

Lower case; training pairs of 1 to 175 tokens whose lengths differ by at most half.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from itertools import islice

from bench.data.files.location import DataError
from bench.data.text.raw import EVERY, Pair, RawCorpus

LONGEST = 175
"""Tokens of a training sentence before it is cut to subwords."""
RATIO = 1.5
"""Of the lengths of a training pair, at most."""
_PACKAGES = ("sacremoses", "subword-nmt")
_JUDGE = "sacrebleu"


def check_size(name: str, raw: RawCorpus) -> None:
    """DataError unless every split has a pair, and the packages are there that prepare and judge text."""
    tool_versions(_JUDGE)
    found = len(list(islice(cleaned(raw), EVERY)))
    if found < EVERY:
        raise DataError(
            f"data set {name}: {found} of its {len(raw.pairs)} pairs fit for training, but one of {EVERY} is for "
            f"validation: at least {EVERY} are needed, of 1 to {LONGEST} tokens that differ in length by a factor "
            f"of at most {RATIO}"
        )
    if raw.test is not None and not raw.test:
        raise DataError(f"data set {name}: its test sets have no pairs")


def check_batch(name: str, raw: RawCorpus, tokens: int) -> None:
    """DataError if a training pair has more tokens than a batch may, before words are cut to subwords."""
    long = [pair for pair in raw.pairs if max(len(text.split()) for text in pair) >= tokens]
    for pair in cleaned(replace(raw, pairs=tuple(long))):
        # One more ends every sentence.
        longest = 1 + max(len(text.split()) for text in pair)
        raise DataError(
            f"data set {name}: batch_size = {tokens} is in padded tokens, and a sentence for training has {longest} or "
            "more; raise it"
        )


def tool_versions(*further: str) -> str:
    """The packages that prepare text, with their versions; DataError if one of these or of `further` isn't there."""
    try:
        named = [f"{name} {version(name)}" for name in (*_PACKAGES, *further)]
    except PackageNotFoundError as error:
        raise DataError(
            f"translation needs {error.name}, which isn't installed: pip install 'sambench[translation]'"
        ) from error
    return " ".join(named)


def cleaned(raw: RawCorpus) -> Iterator[Pair]:
    """Tokens of the pairs that fit, one after another."""
    return filter(_fits, tokenised(raw.pairs, raw.languages))


def tokenised(pairs: Iterable[Pair], languages: Pair) -> Iterator[Pair]:
    """Moses' tokens, with its escapes, in lower case."""
    from sacremoses import MosesTokenizer

    first, second = (MosesTokenizer(lang=language) for language in languages)
    for source, target in pairs:
        yield first.tokenize(source, return_str=True).lower(), second.tokenize(target, return_str=True).lower()


def _fits(pair: Pair) -> bool:
    short, long = sorted(len(text.split()) for text in pair)
    return short >= 1 and long <= LONGEST and long <= RATIO * short
