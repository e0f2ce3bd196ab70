"""Translation: the model, its batches and loss, beam search and BLEU, and the course of a training."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from bench import distributed
from bench.data.text.corpus import END, PAD
from bench.models.transformer import iwslt, tiny
from bench.sam.norms import norm_parameters
from bench.tasks.beam_search import translate
from bench.tasks.bleu import score
from bench.tasks.translation import Translation
from bench.train.training import Stopped, Training
from bench.trial import Trial
from tests.shared.training import CPU, TRANSLATION

SAM = {"variant": "sam", "scope": "only_norm", "rho": 0.5}


@pytest.fixture
def trial(make_trial: Callable[..., Trial]) -> Callable[..., Trial]:
    return lambda **fields: make_trial(**TRANSLATION | fields)


def test_the_network_has_the_size_that_is_reported() -> None:
    with torch.device("meta"):
        model = iwslt(8848, 6632, dropout=0.3)
    assert sum(p.numel() for p in model.parameters()) == 39_469_056
    norm = norm_parameters(model)
    assert sum(p.numel() for p in norm.values()) == 30_720
    assert norm.keys() == norm_parameters(model, "name").keys()


@pytest.fixture
def model() -> torch.nn.Module:
    torch.manual_seed(0)
    return tiny(20, 12, dropout=0.1).eval()


def padded(tokens: Tensor, columns: int) -> Tensor:
    return torch.cat([tokens, torch.full((len(tokens), columns), PAD)], dim=1)


def test_padding_changes_nothing_and_no_token_sees_a_later_one(model: torch.nn.Module) -> None:
    source, previous = torch.randint(4, 20, (3, 6)), torch.randint(4, 12, (3, 5))
    whole = model(source, previous)
    torch.testing.assert_close(model(padded(source, 4), padded(previous, 3))[:, :5], whole)
    torch.testing.assert_close(model(source, previous[:, :2]), whole[:, :2])


def test_a_token_at_a_time_is_the_same_as_all_at_once(model: torch.nn.Module) -> None:
    source, previous = padded(torch.randint(4, 20, (3, 6)), 2), torch.randint(4, 12, (3, 5))
    written = model.begin(source)
    steps = [model.write(written, token) for token in previous.T]
    torch.testing.assert_close(torch.stack(steps, dim=1), model(source, previous))


def test_a_wide_beam_finds_the_best_of_all_translations(model: torch.nn.Module) -> None:
    """Of up to three tokens, by the mean log-probability, END included: compared with every one that there is."""
    source, words = torch.randint(4, 20, (4, 5)), [token for token in range(12) if token not in (PAD, END)]
    with torch.no_grad():
        # A weight of its own for END, which a fresh network hardly ever chooses.
        model.decoder_embed.weight[END] *= 6
        best = [(-torch.inf, [])] * len(source)
        for length in range(3):
            for chosen in product(words, repeat=length):
                previous = torch.tensor([[END, *chosen]]).expand(len(source), -1)
                found = model(source, previous).log_softmax(2)
                target = torch.tensor([*chosen, END]).expand(len(source), -1).unsqueeze(2)
                scores = found.gather(2, target).squeeze(2).mean(1).tolist()
                best = [max(old, (each, list(chosen))) for old, each in zip(best, scores, strict=True)]
    assert translate(model, source, 3, beam=12 * 12) == [tokens for _, tokens in best]
    # A sentence's translation depends on no other sentence.
    alone = [translate(model, row.unsqueeze(0), 3)[0] for row in source]
    assert translate(model, source, 3) == alone


def test_bleu_is_that_of_sacrebleu() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    references = ["the cat sat on the mat .", "there is a house over there .", "one"]
    texts = ["the cat sat on a mat .", "there is one house .", ""]
    expected = sacrebleu.corpus_bleu(texts, [references], tokenize="none", force=True).score
    assert score(texts, references) == pytest.approx(expected)
    assert score(references, references) == pytest.approx(100)


def test_the_loss_is_the_mean_over_tokens_however_the_batch_is_cut(trial: Callable[..., Trial]) -> None:
    """By the definition, and equal to it in gradients for micro-batches and for processes with parts of the batch."""
    training = Training(trial(m=8, settings=(("dropout", 0.0),)), CPU)
    workload, model = training.workload, training.model.eval()
    assert isinstance(workload, Translation)
    batch = next(each for each in workload.batches(1) if len(each.targets[1]) % 8 == 0)
    tokens, weights = batch.targets
    logits = model(*batch.inputs)
    real = tokens != PAD
    logs = logits[real].log_softmax(1)
    nll = -logs.gather(1, tokens[real].unsqueeze(1)).mean()
    expected = 0.9 * nll + 0.1 * -logs.mean()
    assert batch.units == int(real.sum())
    assert workload.loss(logits, batch.targets).item() == pytest.approx(expected.item(), rel=1e-5)
    pieces = zip(logits.split(8), tokens.split(8), weights.split(8), strict=True)
    cut = [workload.loss(part, (own, weight)) for part, own, weight in pieces]
    assert torch.stack(cut).mean().item() == pytest.approx(expected.item(), rel=1e-5)


def test_processes_share_whole_micro_batches(trial: Callable[..., Trial], monkeypatch: pytest.MonkeyPatch) -> None:
    workload = Translation.of(trial(m=8))
    alone = list(workload.batches(1))
    parts = []
    for rank in range(2):
        monkeypatch.setattr(distributed, "world", lambda rank=rank: distributed.World(rank=rank, size=2))
        parts.append(list(workload.batches(1)))
    for whole, *shares in zip(alone, *parts, strict=True):
        weights, sizes = whole.targets[1], [len(share.targets[1]) for share in shares]
        if len(weights) % 8 or len(weights) < 16:
            assert sizes == [len(weights)] * 2
        else:
            assert sum(sizes) == len(weights)
            assert all(size % 8 == 0 for size in sizes)
        # Means over sentences, averaged over processes, weigh every token alike.
        for share, size in zip(shares, sizes, strict=True):
            each = share.targets[1] / (size * (2 if sum(sizes) == len(weights) else 1))
            torch.testing.assert_close(each, torch.full_like(each, 1 / whole.units))
    assert any(len(share.targets[1]) < len(whole.targets[1]) for share, whole in zip(parts[0], alone, strict=True))


@pytest.mark.parametrize("method", [{}, SAM], ids=["adamw", "only_norm"])
def test_a_training_that_stops_in_an_epoch_goes_on_to_the_bit(
    trial: Callable[..., Trial], method: dict[str, object]
) -> None:
    whole, stopped, resumed = (Training(trial(epochs=1, **method), CPU) for _ in range(3))
    row = whole.run_epoch()
    asked = iter([False, False, True])
    stopped.stop = lambda: next(asked)
    with pytest.raises(Stopped):
        stopped.run_epoch()
    resumed.load_state_dict(stopped.state_dict())
    again = resumed.run_epoch()
    for name in ("train_loss", "test_loss", "val_bleu", "perturbed_loss"):
        assert row.get(name) == again.get(name), name
    ours, theirs = whole.model.state_dict(), resumed.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_padding_and_smoothing_enter_the_loss_as_torch_has_them(trial: Callable[..., Trial]) -> None:
    workload = Translation.of(trial())
    logits, tokens = torch.randn(2, 3, 7), torch.tensor([[4, 5, END], [6, END, PAD]])
    expected = cross_entropy(logits.flatten(0, 1)[:5], tokens.flatten()[:5], label_smoothing=0.1, reduction="sum")
    weights = torch.full((2,), 2 / 5)
    assert workload.loss(logits, (tokens, weights)).item() == pytest.approx(expected.item() / 5, rel=1e-5)
