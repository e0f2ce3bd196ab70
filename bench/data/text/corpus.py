"""Corpus: sentence pairs as subword ids, in splits, with the vocabularies of both languages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

START, PAD, END, UNKNOWN = range(4)
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
"""The first entries of every vocabulary, as in fairseq."""
CONTINUED = "@@"
"""Ends a subword that the next one goes on from."""


@dataclass(frozen=True)
class Sentences:
    """Sentences of one language, one after another."""

    tokens: Tensor
    """int32, every sentence with END."""
    starts: Tensor
    """(n + 1,) int64: where each begins, and where the last ends."""

    @classmethod
    def of(cls, sentences: Iterable[Sequence[int]]) -> Sentences:
        """From the tokens of each, without END."""
        ended = [[*sentence, END] for sentence in sentences]
        lengths = torch.tensor([0, *map(len, ended)], dtype=torch.int64)
        flat = np.fromiter((token for sentence in ended for token in sentence), dtype=np.int32)
        return cls(torch.from_numpy(flat), lengths.cumsum(0))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Tensor:
        """(n,) tokens of each, with END."""
        return self.starts.diff()

    def padded(self, rows: Tensor) -> Tensor:
        """(n, longest) int64: the sentences at `rows`, filled up with PAD."""
        starts, lengths = self.starts[rows], self.lengths[rows]
        places = torch.arange(int(lengths.max()))
        inside = places < lengths.unsqueeze(1)
        found = self.tokens[(starts.unsqueeze(1) + places).clamp_max(len(self.tokens) - 1)].long()
        return found.where(inside, PAD)


@dataclass(frozen=True)
class Pairs:
    """Sentences and their translations."""

    source: Sentences
    target: Sentences
    references: tuple[str, ...]
    """The translations as text, tokenised and lower-cased, which BLEU compares with; none for training pairs."""

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A data set of pairs."""

    train: Pairs
    validation: Pairs
    test: Pairs
    source_words: tuple[str, ...]
    target_words: tuple[str, ...]

    def text(self, tokens: Iterable[int]) -> str:
        """What tokens of the target language say, subwords joined, up to END."""
        words = []
        for token in tokens:
            if token == END:
                break
            words.append(self.target_words[token])
        return joined(" ".join(words))


def joined(text: str) -> str:
    """Text without marks of subwords."""
    return f"{text} ".replace(f"{CONTINUED} ", "").strip()
