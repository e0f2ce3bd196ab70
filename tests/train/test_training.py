"""Training: resumable to the bit, seeded without the method, honest about what went wrong."""

from __future__ import annotations

import pytest
import torch

from bench.models import MODELS
from bench.sam import VARIANTS
from bench.train.refresh import refresh_statistics
from bench.train.training import Diverged, Training
from tests.train.methods import CPU, METHODS, STATEFUL, Make, equal_to_the_bit, weights


def test_running_statistics_are_gathered_anew_at_the_end(make_trial: Make) -> None:
    fields = {"epochs": 2, "model": "resnet8", "val_fraction": 0.6, **STATEFUL["msam"]}
    trained, other = (Training(make_trial(**fields | {"bn_refresh": flag}), CPU) for flag in (True, False))
    for training in (trained, other):
        for _ in range(2):
            training.run_epoch()
    assert not equal_to_the_bit(weights(trained), weights(other))
    refresh_statistics(other.model, other.workload.batches(2))
    assert equal_to_the_bit(weights(trained), weights(other))


def test_sam_from_epoch_a_to_epoch_b(make_trial: Make) -> None:
    training = Training(make_trial(epochs=4, val_fraction=0.6, **STATEFUL["late sam"]), CPU)
    norms = [training.run_epoch()["perturbation_norm"] for _ in range(4)]
    assert [norm is None for norm in norms] == [True, False, True, True]


def test_frozen_norm_layers_stay_at_one_and_zero(make_trial: Make) -> None:
    training = Training(make_trial(**STATEFUL["freeze_norm"]), CPU)
    training.run_epoch()
    norm = training.model.stem[1]
    assert torch.equal(norm.weight, torch.ones(16))
    assert torch.equal(norm.bias, torch.zeros(16))


def test_micro_batches_of_the_base_optimizer_average_their_gradients(make_trial: Make) -> None:
    """Without batch norm in training mode, micro-batches and the whole batch give one gradient."""
    gradients = []
    for m in (64, 256):
        training = Training(make_trial(m=m, model="vit_mini"), CPU)
        images, labels, _ = next(training.workload.batches(1))
        training.step(images, labels)
        gradients.append([p.grad.clone() for p in training.model.parameters()])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("m", [64, 256])
def test_a_smaller_last_batch_is_left_out_only_where_it_is_said(make_trial: Make, m: int) -> None:
    sizes = [
        [len(batch.targets) for batch in Training(make_trial(m=m, drop_last=drop), CPU).workload.batches(1)]
        for drop in (False, True)
    ]
    assert sizes == [[256, 256, 256, 256, 55], [256, 256, 256, 256]]


def test_methods_share_initialisation_and_data(make_trial: Make) -> None:
    plain, sam = (
        Training(make_trial(label_noise=0.4), CPU),
        Training(make_trial(label_noise=0.4, **METHODS["sam"]), CPU),
    )
    assert equal_to_the_bit(weights(plain), weights(sam))
    for ours, theirs in zip(plain.workload.batches(1), sam.workload.batches(1), strict=True):
        assert torch.equal(ours[0], theirs[0])
        assert torch.equal(ours[1], theirs[1])


@pytest.mark.parametrize("what", ["weights", "order"])
def test_seeds_differ(make_trial: Make, what: str) -> None:
    one, other = (Training(make_trial(seed=seed), CPU) for seed in (0, 1))
    if what == "weights":
        assert not equal_to_the_bit(weights(one), weights(other))
    else:
        assert not torch.equal(next(one.workload.batches(1))[1], next(other.workload.batches(1))[1])


def test_epochs_have_different_orders(make_trial: Make) -> None:
    training = Training(make_trial(), CPU)
    assert not torch.equal(next(training.workload.batches(1))[1], next(training.workload.batches(2))[1])


def test_every_training_sample_is_seen_once_per_epoch(make_trial: Make) -> None:
    training = Training(make_trial(batch_size=100), CPU)
    seen = torch.cat([batch.inputs for batch in training.workload.batches(1)])
    assert len(seen) == len(training.workload.splits.train)
    assert len(seen.flatten(1).unique(dim=0)) == len(training.workload.splits.train.images.flatten(1).unique(dim=0))


def test_the_learning_rate_is_a_cosine_over_epochs(make_trial: Make) -> None:
    training = Training(make_trial(epochs=4, lr=0.2, val_fraction=0.6), CPU)
    rates = [training.run_epoch()["lr"] for _ in range(4)]
    assert rates == pytest.approx([0.2, 0.1 * (1 + 2**-0.5), 0.1, 0.1 * (1 - 2**-0.5)])


def test_training_learns_the_digits(make_trial: Make) -> None:
    training = Training(make_trial(epochs=5, batch_size=64, **METHODS["sam"]), CPU)
    for _ in range(5):
        training.run_epoch()
    measured = training.measure()
    assert measured["test_accuracy"] > 95
    assert measured["best_test_accuracy"] == max(row["test_accuracy"] for row in training.history)
    assert measured["val_accuracy"] == training.history[-1]["val_accuracy"]
    assert training.history[-1]["perturbation_norm"] == pytest.approx(0.1, rel=1e-5)


def test_a_loss_that_is_not_finite_is_divergence(make_trial: Make) -> None:
    training = Training(make_trial(lr=1e8), CPU)
    with pytest.raises(Diverged, match=r"the loss is (nan|inf).* in epoch 1 of 2"):
        training.run_epoch()


@pytest.mark.parametrize("model", [name for name in MODELS if name.startswith(("resnet", "vit_mini"))])
def test_every_model_of_the_recipe_takes_a_step(make_trial: Make, model: str) -> None:
    training = Training(make_trial(model=model, batch_size=1024, **METHODS["sam"]), CPU)
    images, labels, _ = next(training.workload.batches(1))
    assert torch.isfinite(training.step(images[:8], labels[:8]))


@pytest.mark.parametrize("variant", [name for name in VARIANTS if not VARIANTS[name].settings])
def test_bn_stats_first_leaves_the_second_pass_out(make_trial: Make, variant: str) -> None:
    counts = {}
    for mode in ("both", "first"):
        training = Training(make_trial(variant=variant, scope="all", rho=0.1, bn_stats=mode), CPU)
        images, labels, _ = next(training.workload.batches(1))
        training.model.train()
        training.step(images, labels)
        counts[mode] = training.model.stem[1].num_batches_tracked.item()
    assert counts == {"both": 2, "first": 1}
