"""Every refusal names the bad value, where it stands, and the way out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from bench.sam import SharpnessAware
from bench.train.subsets import set_trainable
from tests.sam.references.networks import REQUIRED, batch, network, sgd

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("resnet8", {"rho": 0.0}, "rho = 0.0: the radius of the perturbation must be positive and finite"),
    ("resnet8", {"rho": -1.0}, "rho = -1.0"),
    ("resnet8", {"rho": math.inf}, "rho = inf"),
    ("resnet8", {"rho": math.nan}, "rho = nan"),
    ("resnet8", {"variant": "swam"}, "variant 'swam': there are sam, elementwise_l2,"),
    ("resnet8", {"scope": "norms"}, "no scope 'norms'; there are all, only_norm,"),
    ("resnet8", {"scope": "only_norm[2,x]"}, r"stages are integers from 1 on, as in only_norm\[2,3\]"),
    ("resnet8", {"scope": "random[2]"}, "random has no stages; those that take stages are all, only_norm"),
    ("resnet8", {"scope": "only_norm[4]"}, "stage 4: ResNet has no such stage; its stages are 1, 2, 3"),
    ("groupnorm", {"scope": "only_norm[1]"}, r"GroupNormNet has no stages: give it a segments\(\) method"),
    ("resnet8", {"scope": ["head.2.weight", "tail"]}, "ResNet has no trainable parameter 'tail'"),
    ("resnet8", {"scope": []}, "no trainable parameter in this scope"),
    (
        "resnet8",
        {"variant": "elementwise_l2", "settings": {"eta": -0.1}},
        r"eta = -0.1 of elementwise_l2 \(added to \|w\|\): .*greater than or equal to 0",
    ),
    ("resnet8", {"variant": "fisher", "settings": {"eta": math.nan}}, "eta = nan of fisher"),
    ("resnet8", {"settings": {"eta": 0.1}}, "setting 'eta': sam and all have no settings"),
    (
        "resnet8",
        {"variant": "layerwise_l2", "scope": "ssam_d", "settings": {"beta": 1}},
        "setting 'beta': layerwise_l2 and ssam_d have eta, mask_every, sparsity",
    ),
    ("resnet8", {"scope": "random", "settings": {"sparsity": 1.0}}, "sparsity = 1.0 of random .*less than 1"),
    ("resnet8", {"scope": "ssam_f", "settings": {"sparsity": -0.1}}, "sparsity = -0.1 of ssam_f"),
    (
        "groupnorm",
        {"scope": "random", "settings": {"sparsity": 0.99999}},
        "leaves none of .* entries; choose a lower one",
    ),
    ("resnet8", {"variant": "looksam", "settings": {"every": 0}}, "every = 0 of looksam"),
    ("resnet8", {"variant": "gsam", "settings": {"lr_min": 1.0}}, "lr_min = 1.0 of gsam is above"),
    ("resnet8", {"variant": "gsam", "settings": {"rho_min": 1.0}}, "rho_min = 1.0 of gsam is above rho = 0.1"),
    ("resnet8", {"variant": "bsam"}, "bsam needs delta .*: it has no default"),
    (
        "resnet8",
        {"variant": "k_sam", "ascent_share": 0.5},
        "with variant k_sam.*use ascent_share = 1",
    ),
    (
        "resnet8",
        {"variant": "ae_sam", "ascent_share": 0.5},
        "with variant ae_sam: its steps without",
    ),
    (
        "resnet8",
        {"variant": "ae_sam", "ascent_dtype": torch.bfloat16},
        "ascent_dtype = torch.bfloat16 with variant",
    ),
    ("resnet8", {"variant": "zsharp", "settings": {"quantile": 1.0}}, "quantile = 1.0 of zsharp"),
    ("resnet8", {"variant": "wsam", "settings": {"gamma": 1.0}}, "gamma = 1.0 of wsam"),
    ("resnet8", {"m": 0}, "m = 0: samples per ascent are at least 1; use None for the whole batch"),
    ("resnet8", {"norm_rule": "kind"}, "norm_rule 'kind': there are type, name"),
    ("resnet8", {"bn_stats": "second"}, "bn_stats 'second': there are both, first"),
    ("resnet8", {"ascent_share": 0.0}, "ascent_share = 0.0: a share of the batch is above 0 and at most 1"),
    ("resnet8", {"variant": "esam", "ascent_share": 0.5}, "ascent_share = 0.5 with variant esam.*use ascent_share = 1"),
    (
        "resnet8",
        {"ascent_dtype": torch.bfloat16, "amp_dtype": torch.float16},
        "ascent_dtype = torch.bfloat16 with amp_dtype = torch.float16.*give one of the two",
    ),
    ("resnet8", {"max_grad_norm": 0.0}, "max_grad_norm = 0.0 must be positive; use None for no clipping"),
]


@pytest.mark.parametrize(("net", "options", "message"), CASES)
def test_refused(net: str, options: dict[str, Any], message: str) -> None:
    model = network(net)
    with pytest.raises(ValueError, match=message):
        SharpnessAware(model, sgd(model), **({"rho": 0.1} | options))


def test_no_norm_layers() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(ValueError, match=r"Sequential has no normalization layer.*use scope all"):
        SharpnessAware(model, sgd(model), "sam", "only_norm")
    with pytest.raises(ValueError, match="scope random: Sequential has no trainable normalization layer"):
        SharpnessAware(model, sgd(model), "sam", "random")


@pytest.mark.parametrize(
    ("trainable", "scope", "message"),
    [
        ("freeze_norm", "only_norm", r"are frozen \(trainable: freeze_norm\); use trainable: all, or scope all"),
        ("only_norm", "no_norm", r"\(trainable: only_norm\); use trainable: all, or scope all"),
    ],
)
def test_nothing_left_to_perturb(trainable: str, scope: str, message: str) -> None:
    model = network("resnet8")
    set_trainable(model, trainable)
    with pytest.raises(ValueError, match=message):
        SharpnessAware(model, sgd(model), "sam", scope)


def test_nothing_trainable() -> None:
    model = network("groupnorm").requires_grad_(False)
    with pytest.raises(ValueError, match="GroupNormNet has no parameter that requires a gradient"):
        SharpnessAware(model, sgd(model))


BASES: list[tuple[str, Callable[..., torch.optim.Optimizer], dict[str, Any], str]] = [
    (
        "msam",
        torch.optim.Rprop,
        {},
        "momentum, and Rprop is not known to keep one",
    ),
    ("msam", torch.optim.SGD, {"momentum": 0.9, "nesterov": True}, "msam looks ahead itself, and SGD does too"),
    ("msam", torch.optim.SGD, {}, "and that of SGD is 0; use one above 0"),
    ("msam", torch.optim.AdamW, {"betas": (0.0, 0.99)}, "and that of AdamW is 0"),
    ("bsam", torch.optim.AdamW, {}, "its base must be SGD with momentum 0 and weight_decay 0, not AdamW"),
    ("bsam", torch.optim.SGD, {"momentum": 0.9}, "not momentum = 0.9"),
    ("bsam", torch.optim.SGD, {"weight_decay": 0.1}, "not weight_decay = 0.1"),
]


@pytest.mark.parametrize(("variant", "kind", "options", "message"), BASES)
def test_base_optimizers_that_a_variant_cannot_work_on(
    variant: str, kind: Callable[..., torch.optim.Optimizer], options: dict[str, Any], message: str
) -> None:
    model = network("groupnorm")
    with pytest.raises(ValueError, match=message):
        SharpnessAware(model, kind(model.parameters(), lr=0.1, **options), variant, settings=REQUIRED.get(variant))


def test_a_variant_that_follows_the_run_wants_to_know_its_length() -> None:
    model = network("groupnorm")
    method = SharpnessAware(model, sgd(model), "ae_sam")
    with pytest.raises(ValueError, match=r"call start_epoch\(epoch, epochs, steps=…\)"):
        method.step_batch(*batch(), functional.cross_entropy)


@pytest.mark.parametrize("options", [{"m": 4}, {"ascent_share": 0.5}, {"variant": "esam"}, {"variant": "k_sam"}])
def test_a_closure_cannot_be_cut(options: dict[str, Any]) -> None:
    model = network("groupnorm")
    method = SharpnessAware(model, sgd(model), **options)
    with pytest.raises(ValueError, match=r"call step_batch\(inputs, targets, loss_fn\)"):
        method.step(lambda: functional.cross_entropy(model(batch()[0]), batch()[1]))


def test_ssam_f_needs_samples() -> None:
    model = network("groupnorm")
    method = SharpnessAware(model, sgd(model), "sam", "ssam_f")
    with pytest.raises(ValueError, match="scope ssam_f needs 16 training samples: call start_epoch"):
        method.start_epoch(0, 1)
    method.start_epoch(0, 1, batch(4))
    with pytest.raises(ValueError, match="fisher_samples = 16, and start_epoch was given 4 samples"):
        method.step_batch(*batch(), functional.cross_entropy)
