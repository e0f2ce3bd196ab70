"""The rule of thumb for GPU-hours, against torch's own count of FLOPs and by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench import models
from bench.estimate import Pace, estimate, gpu_seconds, kind, measured
from bench.estimate.rule import FORWARD, PER_TOKEN
from bench.models.transformer import iwslt
from bench.store import Store
from bench.trial import Trial
from tests.shared.store import done


def test_every_model_has_its_flops() -> None:
    assert [*FORWARD, *PER_TOKEN] == list(models.MODELS)


def test_flops_of_a_token_are_two_for_each_parameter_but_those_that_are_looked_up() -> None:
    with torch.device("meta"):
        model = iwslt(8848, 6632, dropout=0.3)
    multiplied = sum(p.numel() for p in model.parameters()) - model.encoder_embed.weight.numel()
    assert PER_TOKEN["transformer_iwslt"] == pytest.approx(2 * multiplied, rel=0.01)


@pytest.mark.parametrize("name", ["resnet56", "wrn28_10", "vgg16_bn", "vit_t4"])
def test_flops_are_those_that_torch_counts(name: str) -> None:
    flops, side = FORWARD[name]
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        models.build(name, image_size=side).eval()(torch.empty(1, 3, side, side))
    assert flops == pytest.approx(counter.get_total_flops(), rel=0.01)


def test_gpu_seconds_by_hand(make_trial: Callable[..., Trial]) -> None:
    half = {"dataset": "cifar10", "model": "resnet18", "epochs": 200, "batch_size": 128, "precision": "float16"}
    expected = 200 * 50_000 * 1.11e9 * 3 / 77e12
    assert gpu_seconds(make_trial(**half)) == pytest.approx(expected)
    assert expected / 60 == pytest.approx(7.2, abs=0.1)  # as public trainings take
    assert gpu_seconds(make_trial(**half | {"precision": "float32"})) == pytest.approx(expected * 77 / 13)
    assert gpu_seconds(make_trial(**half | {"precision": "float32", "tf32": True})) == pytest.approx(expected * 77 / 40)
    sam = half | {"variant": "sam", "scope": "all", "rho": 0.1}
    assert gpu_seconds(make_trial(**sam)) == pytest.approx(2 * expected)
    assert gpu_seconds(make_trial(**sam | {"scope": "only_norm"})) == pytest.approx(5 / 3 * expected)
    look = sam | {"variant": "looksam", "settings": (("alpha", 0.7), ("every", 10), ("momentum", 0.9))}
    assert gpu_seconds(make_trial(**look)) == pytest.approx(1.1 * expected)
    small = make_trial(dataset="fake:1000x3x16x10", model="resnet18", epochs=1, batch_size=1000)
    assert gpu_seconds(small) == pytest.approx(1000 * 1.11e9 / 4 * 3 / 13e12)


def test_a_small_network_waits_for_its_launches(make_trial: Callable[..., Trial]) -> None:
    narrow = make_trial(dataset="cifar10", model="resnet56", epochs=200, batch_size=128, precision="float16")
    assert gpu_seconds(narrow) == pytest.approx(200 * 391 * 475 * 8e-6)
    assert 4 < 200 * 391 * 475 * 8e-6 / 60 < 7


def test_times_are_taken_of_trials_that_cost_the_same(store: Store, make_trial: Callable[..., Trial]) -> None:
    """Of LookSAM those with the same `every`, of a late start those that start as late; ρ and seed don't matter."""
    sam = {"variant": "sam", "scope": "all", "rho": 0.1}
    look = sam | {"variant": "looksam"}
    trials = {
        1.0: make_trial(**sam),
        2.0: make_trial(**sam, perturb_from=1),
        3.0: make_trial(**look, settings=(("alpha", 0.7), ("every", 2), ("momentum", 0.9))),
        4.0: make_trial(**look, settings=(("alpha", 0.7), ("every", 5), ("momentum", 0.9))),
        5.0: make_trial(**sam, channels_last=True),
    }
    for seconds, trial in trials.items():
        done(store, trial, 90.0, train_s=seconds * trial.total_epochs, device_type="cpu", world_size=1)
    paces = measured(store)
    for seconds, trial in trials.items():
        like = dataclasses.replace(trial, seed=7, rho=0.3)
        assert paces[kind(like)].seconds == seconds
    assert kind(make_trial(**sam, tf32=True)) not in paces


def test_times_of_a_cpu_and_of_gpus_are_never_mixed(store: Store, make_trial: Callable[..., Trial]) -> None:
    """Neither in a median, nor as GPU-hours of a CPU's time."""
    for seed, (seconds, device, gpus) in enumerate([(1.0, "cuda", 2), (1.0, "cuda", 2), (90.0, "cpu", 1)]):
        trial = make_trial(seed=seed)
        done(store, trial, 90.0, train_s=seconds * trial.total_epochs, device_type=device, world_size=gpus)
    like = make_trial(seed=7)
    assert measured(store)[kind(like)] == Pace(90.0, 0)
    assert measured(store, on_gpus=True)[kind(like)] == Pace(1.0, 2)


def test_a_price_says_what_it_stands_on(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial(dataset="cifar10", model="resnet18", epochs=200, batch_size=128)
    ruled = f"estimated at {(gpu_seconds(trial) or 0) / 3600:.1f} GPU-hours of an A100"
    assert f"1 trial is of a kind not timed yet, {ruled}: --probe" in estimate([trial], {}).text
    assert "2.0 GPU-hours, as measured" in estimate([trial], {kind(trial): Pace(18.0, 2)}).text


def test_what_is_not_known_has_no_estimate(make_trial: Callable[..., Trial]) -> None:
    assert gpu_seconds(make_trial(dataset="cifar10", model="timm/resnet10t")) is None
