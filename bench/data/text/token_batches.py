"""Token batches: sentence pairs of similar length, as many as fill a number of padded tokens.

As in fairseq: pairs in a random order are sorted by their lengths and packed once; epochs shuffle the batches.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.data.text.corpus import Pairs

MULTIPLE = 8
"""Batches of more pairs than that have a multiple of it."""


def packed(pairs: Pairs, tokens: int, generator: torch.Generator | None = None) -> tuple[Tensor, ...]:
    """Rows of each batch: sentences × the longest of them, source or target, is at most `tokens`.

    Without a generator pairs of one length keep their order. ValueError if a sentence is longer than that alone.
    """
    longest = torch.maximum(pairs.source.lengths, pairs.target.lengths)
    if int(longest.max()) > tokens:
        raise ValueError(f"a sentence has {int(longest.max())} tokens, and batch_size is {tokens}: raise it")
    order = torch.arange(len(pairs)) if generator is None else torch.randperm(len(pairs), generator=generator)
    for lengths in (pairs.target.lengths, pairs.source.lengths):
        order = order[lengths[order].argsort(stable=True)]
    return tuple(order[start:end] for start, end in _bounds(longest[order].tolist(), tokens))


def _bounds(longest: list[int], tokens: int) -> list[tuple[int, int]]:
    bounds, start = [], 0
    while start < len(longest):
        width, end = 0, start
        while end < len(longest) and (end + 1 - start) * max(width, longest[end]) <= tokens:
            width = max(width, longest[end])
            end += 1
        if end < len(longest) and end - start > MULTIPLE:
            end -= (end - start) % MULTIPLE
        bounds.append((start, end))
        start = end
    return bounds
