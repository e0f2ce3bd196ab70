"""Translation: sentence pairs, in batches of about as many tokens.

The loss is label-smoothed cross-entropy, summed over tokens and divided by their number in the whole batch. So that
micro-batches of m sentences, and processes with whole micro-batches each, add up to just that, it is written as a mean
over sentences: n/T times the sum over the sentence's tokens, for n sentences of T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench import data, distributed, models
from bench.data.text.corpus import END, PAD, Corpus, Pairs
from bench.data.text.token_batches import packed
from bench.data.transfer import transfer
from bench.measures.trained import TrainedModel
from bench.models.transformer import Transformer
from bench.seeds import derive
from bench.tasks import unshareable
from bench.tasks.bleu import bleu
from bench.tasks.workload import Workload, WorkloadBatch, settings_of
from bench.trial import Trial

_CPU = torch.device("cpu")
Targets = tuple[Tensor, Tensor]
"""(n, t) tokens and (n,) weights of the sentences."""


@dataclass(frozen=True)
class Translation(Workload):
    """Sentences that have translations."""

    trial: Trial
    corpus: Corpus
    plan: tuple[Tensor, ...]
    """Rows of each batch of an epoch, which shuffles the batches alone."""
    device: torch.device = _CPU

    @classmethod
    def of(cls, trial: Trial) -> Translation:
        """The trial's data."""
        corpus = corpus_of(trial)
        generator = torch.Generator().manual_seed(derive(trial.seed, "batches"))
        return cls(trial, corpus, packed(corpus.train, trial.batch_size, generator))

    @property
    def has_validation(self) -> bool:
        """See `Workload.has_validation`."""
        return True

    @classmethod
    def network(cls, trial: Trial) -> nn.Module:
        """See `Workload.network`."""
        corpus, entry = corpus_of(trial), models.entry(trial.model)
        sizes = len(corpus.source_words), len(corpus.target_words)
        network: nn.Module = entry.load()(*sizes, **settings_of(entry, trial))
        return network

    def check_world(self) -> None:
        """See `Workload.check_world`."""
        if fault := unshareable(self.trial, distributed.world().size):
            raise ValueError(fault)

    def to(self, device: torch.device) -> Self:
        """See `Workload.to`."""
        return replace(self, device=device)

    @property
    def size(self) -> int:
        """See `Workload.size`: tokens of the target language."""
        return len(self.corpus.train.target.tokens)

    @property
    def steps(self) -> int:
        """See `Workload.steps`."""
        return len(self.plan)

    def batches(self, epoch: int, skip: int = 0) -> Iterator[WorkloadBatch]:
        """See `Workload.batches`."""
        generator = torch.Generator().manual_seed(derive(self.trial.seed, "order", epoch))
        for place in torch.randperm(len(self.plan), generator=generator)[skip:].tolist():
            rows = self.plan[place]
            units = int(self.corpus.train.target.lengths[rows].sum())
            own, parts = self._share(rows)
            inputs, tokens = self._pairs(self.corpus.train, own)
            weights = torch.full((len(own),), parts * len(own) / units)
            yield WorkloadBatch(inputs, (tokens, transfer(weights, self.device)), units)

    def samples(self, epoch: int) -> tuple[Tensor, Tensor]:
        """See `Workload.samples`; a plan refuses the scopes that need them."""
        raise ValueError("a mask is estimated on the classes of images, not on sentences; choose another scope")

    def loss(self, outputs: Tensor, targets: Targets) -> Tensor:
        """See `Workload.loss`."""
        return (_by_sentence(outputs, targets[0], self.trial.label_smoothing) * targets[1]).mean()

    @torch.no_grad()
    def evaluate(self, model: nn.Module, history: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """See `Workload.evaluate`. The test split is translated after epochs of higher validation BLEU than any before.

        So a reported BLEU is that of the model which validation chooses.
        """
        assert isinstance(model, Transformer), "models of this task are transformers"
        model.eval()
        corpus, row = self.corpus, {}
        for name, pairs in (("val", corpus.validation), ("test", corpus.test)):
            row[f"{name}_loss"] = self._mean_loss(model, pairs)
        row["val_bleu"] = bleu(model, corpus, corpus.validation, self.device)
        if row["val_bleu"] > max((earlier["val_bleu"] for earlier in history), default=-1.0):
            row["test_bleu"] = bleu(model, corpus, corpus.test, self.device)
        return row

    def trained(self, model: nn.Module, history: Sequence[Mapping[str, Any]]) -> TrainedModel:
        """See `Workload.trained`."""
        return TrainedModel(model=model, history=history, seed=self.trial.seed)

    def _share(self, rows: Tensor) -> tuple[Tensor, int]:
        """This process's sentences of a batch, whole micro-batches, and how many processes share it.

        Where they can't, all make the same step, and so does their average.
        """
        world, m = distributed.world(), self.trial.m or len(rows)
        parts, rest = divmod(len(rows), m)
        if rest or parts < world.size:
            return rows, 1
        first, last = (parts * rank // world.size for rank in (world.rank, world.rank + 1))
        return rows[first * m : last * m], world.size

    def _pairs(self, pairs: Pairs, rows: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Source and previous tokens, and the tokens that follow."""
        tokens = pairs.target.padded(rows)
        # A sentence begins after the end of another, as in fairseq.
        previous = torch.cat([torch.full((len(rows), 1), END), tokens[:, :-1]], dim=1)
        source, previous, tokens = (
            transfer(each, self.device) for each in (pairs.source.padded(rows), previous, tokens)
        )
        return (source, previous), tokens

    def _mean_loss(self, model: Transformer, pairs: Pairs) -> float:
        """In nats a token, without smoothing."""
        world = distributed.world()
        total = torch.zeros((), device=self.device, dtype=torch.float64)
        budget = max(self.trial.batch_size, int(torch.maximum(pairs.source.lengths, pairs.target.lengths).max()))
        for rows in packed(pairs, budget)[world.rank :: world.size]:
            inputs, tokens = self._pairs(pairs, rows)
            total += _by_sentence(model(*inputs), tokens, 0.0).double().sum()
        return float(distributed.add_up(total)) / len(pairs.target.tokens)


def _by_sentence(logits: Tensor, tokens: Tensor, smoothing: float) -> Tensor:
    """(n,) sums over the tokens of each sentence."""
    flat = cross_entropy(
        logits.float().flatten(0, 1), tokens.flatten(), ignore_index=PAD, label_smoothing=smoothing, reduction="none"
    )
    return flat.view(tokens.shape).sum(1)


def corpus_of(trial: Trial) -> Corpus:
    """The trial's corpus."""
    settings = settings_of(data.entry(trial.dataset), trial)
    return _loaded(trial.dataset, tuple(settings.items()))


@lru_cache(maxsize=1)
def _loaded(name: str, settings: tuple[tuple[str, Any], ...]) -> Corpus:
    # Data and network both ask for it.
    return data.load_corpus(name, dict(settings))
