"""Shrinking: everything that takes time becomes small, everything that is compared stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench import data, models
from bench.sweep import load
from bench.sweep.checks import CHECKS
from bench.sweep.smoke import smoke, twins
from bench.trial import Trial
from tests.conftest import ROOT

BASE = Trial(
    dataset="cifar100",
    model="wrn28_10",
    optimizer="sgd",
    lr=0.1,
    weight_decay=5e-4,
    batch_size=512,
    m=128,
    epochs=200,
    warmup_epochs=5,
    cooldown_epochs=10,
    variant="sam",
    scope="only_norm[2,3]",
    rho=0.5,
    augment="basic+aa",
    perturb_from=10,
    perturb_until=50,
    compile=True,
    settings=(("momentum", 0.9),),
    seed=3,
)


IMAGES = [name for name, entry in data.DATASETS.items() if entry.task == "classification"]
NETS = [name for name, entry in models.MODELS.items() if entry.task == "classification"]


def test_text_is_shrunk_to_a_made_up_language() -> None:
    loaded = load(ROOT / "sweeps" / "iwslt-transformer.yaml")
    small = smoke(loaded)
    assert {(twin.dataset, twin.model, twin.lr_schedule) for twin in small.trials} == {
        ("toy_translation", "transformer_tiny", "inverse_sqrt")
    }
    assert len(small.trials) == 3
    assert not [problem for twin in small.trials for check in CHECKS if (problem := check(twin.as_dict()))]
    assert small.measures == ("bleu", "val_bleu")


def shrunk(trial: Trial) -> Trial:
    (twin,) = twins([trial]).values()
    return twin


def test_what_is_compared_stays() -> None:
    twin = shrunk(BASE)
    kept = ("variant", "scope", "rho", "optimizer", "augment", "seed", "weight_decay", "settings")
    assert {name: getattr(twin, name) for name in kept} == {name: getattr(BASE, name) for name in kept}


def test_what_takes_time_is_small() -> None:
    twin = shrunk(BASE)
    assert (twin.dataset, twin.model, twin.batch_size, twin.m) == ("fake:64x3x8x4", "resnet8", 16, 4)
    assert (twin.total_epochs, twin.perturb_from, twin.perturb_until, twin.compile) == (1, 0, 1, False)


@pytest.mark.share(20)
@pytest.mark.parametrize("model", [*NETS, "timm/resnet10t", "timm/vit_tiny_patch16_224"])
@pytest.mark.parametrize("dataset", [*IMAGES, "fake:imagenet"])
def test_shrunk_trials_are_sound(dataset: str, model: str) -> None:
    twin = shrunk(replace(BASE, dataset=dataset, model=model, augment="none", init_from="timm/any"))
    problems = [problem for check in CHECKS if (problem := check(twin.as_dict()))]
    assert not problems
    assert not twin.init_from


def test_stages_that_the_small_model_lacks_become_its_last() -> None:
    assert shrunk(replace(BASE, model="vgg16_bn", scope="only_norm[1,4,5]")).scope == "only_norm[1,3]"
    assert shrunk(replace(BASE, model="vit_s4", scope="all[12]")).scope == "all[2]"


def test_one_seed_and_the_ends_of_a_search_are_kept() -> None:
    searched = [replace(BASE, rho=rho, seed=seed) for rho in (1, 0.1, 0.5, 2) for seed in range(3)]
    assert sorted((twin.rho, twin.seed) for twin in twins(searched).values()) == [(0.1, 0), (2, 0)]


def test_held_out_images_are_enough_for_every_class() -> None:
    assert shrunk(replace(BASE, val_fraction=0.01)).val_fraction == 0.125
    assert shrunk(BASE).val_fraction == 0
    assert shrunk(replace(BASE, dataset="digits")).val_fraction == 0.125


def test_a_sweep_asks_for_no_gpu_and_no_further_images() -> None:
    loaded = load(ROOT / "sweeps" / "imagenet-resnet50.yaml")
    small = smoke(replace(loaded, measures=("imagenet_v2_accuracy",)))
    assert small.resources.gpus == 0
    assert small.measures == ("test_accuracy",)
    assert small.name == "imagenet-resnet50-smoke"
