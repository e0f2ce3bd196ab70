"""toy_translation: sentences of a made-up language that are translated word by word, backwards; for smoke and tests.

Needs neither files nor tokenizers, and can be learned: the same draws for everyone.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from bench.data.text.corpus import SPECIAL, Corpus, Pairs, Sentences

WORDS = 28
SIZES = {"train": 512, "validation": 64, "test": 64}
SHORTEST, LONGEST = 2, 8


@lru_cache(maxsize=1)
def load() -> Corpus:
    """The corpus: word i of the source is word WORDS − 1 − i of the target, the last word first."""
    generator = torch.Generator().manual_seed(0)
    words = tuple((*SPECIAL, *(f"{letter}{number}" for number in range(WORDS))) for letter in "ab")
    parts = {name: _drawn(size, words[1], generator) for name, size in SIZES.items()}
    return Corpus(**parts, source_words=words[0], target_words=words[1])


def _drawn(size: int, words: tuple[str, ...], generator: torch.Generator) -> Pairs:
    lengths = torch.randint(SHORTEST, LONGEST + 1, (size,), generator=generator).tolist()
    drawn = [torch.randint(WORDS, (length,), generator=generator).tolist() for length in lengths]
    first = len(SPECIAL)
    source = [[first + word for word in sentence] for sentence in drawn]
    target = [[first + WORDS - 1 - word for word in reversed(sentence)] for sentence in drawn]
    references = tuple(" ".join(words[token] for token in sentence) for sentence in target)
    return Pairs(Sentences.of(source), Sentences.of(target), references)
