"""BLEU: tokenised, lower-cased BLEU-4 of beam search's translations, as `fairseq-generate` prints it.

Both sides are text as it was prepared, with subwords joined: not what sacreBLEU gives for raw text, which is lower.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from bench import distributed
from bench.data.text.corpus import Corpus, Pairs
from bench.errors import UserError
from bench.models.transformer import Transformer
from bench.tasks.beam_search import translate

BATCH = 128
"""Sentences that are translated at once."""
LONGEST = 200
"""Tokens of a translation, at most."""
_ORDER = 4


def bleu(model: Transformer, corpus: Corpus, pairs: Pairs, device: torch.device) -> float:
    """Of the translations of `pairs`; several processes share the sentences."""
    rows, texts = [], []
    for batch, translations in _translated(model, corpus, pairs, device):
        rows += batch.tolist()
        texts += translations
    return score(texts, [pairs.references[row] for row in rows])


def score(texts: Sequence[str], references: Sequence[str]) -> float:
    """BLEU of all processes' texts together."""
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError as error:
        raise UserError(
            "BLEU is counted by sacrebleu, which isn't here: pip install 'sambench[translation]'"
        ) from error
    # Not empty in a process without sentences, for which there would be no counts.
    own = BLEU(tokenize="none", force=True).corpus_score([*texts, ""], [[*references, ""]])
    counts = torch.tensor([own.sys_len, own.ref_len, *own.counts, *own.totals], dtype=torch.float64)
    lengths_and_counts = [round(value) for value in distributed.add_up(counts).tolist()]
    correct, total = lengths_and_counts[2 : 2 + _ORDER], lengths_and_counts[2 + _ORDER :]
    written, expected = lengths_and_counts[:2]
    return float(BLEU.compute_bleu(correct, total, written, expected, smooth_method="exp").score)


def _translated(
    model: Transformer, corpus: Corpus, pairs: Pairs, device: torch.device
) -> Iterator[tuple[Tensor, list[str]]]:
    """Rows of sentences of like length, and their translations; this process's share."""
    world = distributed.world()
    order = pairs.source.lengths.argsort(stable=True)
    for rows in order.split(BATCH)[world.rank :: world.size]:
        source = pairs.source.padded(rows).to(device)
        yield rows, [corpus.text(tokens) for tokens in translate(model, source, LONGEST)]
