"""Beam search: the likeliest translations, by the mean log-probability of their tokens."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from bench.data.text.corpus import END, PAD
from bench.models.transformer import Transformer

BEAM = 5


@dataclass
class _Sentence:
    """The translations of one sentence that have ended."""

    ended: list[tuple[float, list[int]]] = field(default_factory=list)

    @property
    def best(self) -> list[int]:
        return max(self.ended, key=lambda each: each[0])[1]


@torch.no_grad()
def translate(model: Transformer, source: Tensor, longest: int, beam: int = BEAM) -> list[list[int]]:
    """Tokens of the best translation of each of (n, s) sentences, without END; of at most `longest`.

    A sentence is through when `beam` of its translations have ended. Their score is divided by their length.
    """
    n, device = len(source), source.device
    written = model.begin(source)
    written.keep(torch.arange(n, device=device).repeat_interleave(beam))
    found, active = [_Sentence() for _ in range(n)], torch.arange(n)
    tokens = torch.full((n * beam, 1), END, device=device)
    # Only the first of the equal beginnings counts.
    scores = torch.full((n, beam), -torch.inf, device=device)
    scores[:, 0] = 0
    for length in range(1, longest + 1):
        step = model.write(written, tokens[:, -1]).float().log_softmax(1)
        step[:, PAD] = -torch.inf
        if length == longest:
            step = torch.full_like(step, -torch.inf).index_copy(1, *_only(END, step))
        size = step.shape[1]
        total = (scores.unsqueeze(2) + step.view(len(active), beam, size)).flatten(1)
        values, places = total.topk(2 * beam, dim=1)
        _end(found, active, values, places, tokens, length, size, beam)
        values = values.masked_fill(places % size == END, -torch.inf)
        scores, kept = values.topk(beam, dim=1)
        chosen = places.gather(1, kept)
        left = torch.tensor([len(found[row].ended) < beam for row in active.tolist()])
        if not left.any() or length == longest:
            break
        here = left.to(device)
        rows = torch.arange(len(active), device=device).unsqueeze(1) * beam + chosen // size
        rows, scores, active = rows[here].flatten(), scores[here], active[left]
        written.keep(rows)
        tokens = torch.cat([tokens[rows], (chosen[here] % size).view(-1, 1)], dim=1)
    return [sentence.best for sentence in found]


def _only(token: int, step: Tensor) -> tuple[Tensor, Tensor]:
    return torch.tensor([token], device=step.device), step[:, token : token + 1]


def _end(
    found: list[_Sentence],
    active: Tensor,
    values: Tensor,
    places: Tensor,
    tokens: Tensor,
    length: int,
    size: int,
    beam: int,
) -> None:
    """Keep the translations among the best `beam` that end here."""
    ends = (places % size == END)[:, :beam] & values[:, :beam].isfinite()
    for row, rank in ends.nonzero().tolist():
        sentence = found[int(active[row])]
        if len(sentence.ended) < beam:
            written = tokens[row * beam + int(places[row, rank]) // size, 1:].tolist()
            sentence.ended.append((float(values[row, rank]) / length, written))
