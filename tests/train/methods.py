"""Methods whose trainings are compared, and how two of them are."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bench.train.training import Training
from bench.trial import Trial

CPU = torch.device("cpu")
Make = Callable[..., Trial]


def weights(training: Training) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in training.model.state_dict().items()}


def equal_to_the_bit(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def without_times(training: Training) -> list[dict[str, object]]:
    clock = {"seconds", "images_per_s", "waiting_seconds"}
    return [{name: value for name, value in row.items() if name not in clock} for row in training.history]


METHODS = {
    "sgd": {},
    "adamw": {"optimizer": "adamw", "lr": 1e-3, "settings": (("beta1", 0.9), ("beta2", 0.999), ("eps", 1e-8))},
    "sam": {"variant": "sam", "scope": "all", "rho": 0.1},
    "elementwise": {
        "variant": "elementwise_l2",
        "scope": "only_norm",
        "rho": 1.0,
        "settings": (("eta", 0.0), ("momentum", 0.9)),
    },
    "layerwise": {
        "variant": "layerwise_l2",
        "scope": "no_norm",
        "rho": 0.1,
        "settings": (("eta", 0.0), ("momentum", 0.9)),
    },
}


STATEFUL = {
    "rate by step": {"lr_per": "step", "lr_schedule": "linear", "warmup_steps": 4},
    "muon": {
        "optimizer": "muon",
        "lr": 1e-3,
        "settings": (("adamw_lr_scale", 2.0), ("adjust_lr", "match_rms_adamw"), ("nesterov", True), ("ns_steps", 2)),
    },
    "schedulefree_adamw": {"optimizer": "schedulefree_adamw", "lr": 1e-3, "lr_schedule": "constant"},
    "sam on schedulefree_sgd": {"optimizer": "schedulefree_sgd", "variant": "sam", "scope": "all", "rho": 0.1},
    "lion": {"optimizer": "lion", "lr": 1e-4, "settings": (("beta1", 0.9), ("beta2", 0.99))},
    "ssam_f": {
        "variant": "sam",
        "scope": "ssam_f",
        "rho": 0.1,
        "settings": (("fisher_samples", 8), ("mask_every", 2), ("momentum", 0.9), ("sparsity", 0.5)),
    },
    "ssam_d": {
        "variant": "sam",
        "scope": "ssam_d",
        "rho": 0.1,
        "settings": (("mask_every", 1), ("momentum", 0.9), ("sparsity", 0.5)),
    },
    "random": {
        "variant": "sam",
        "scope": "random",
        "rho": 0.1,
        "settings": (("mask_seed", 0), ("momentum", 0.9), ("sparsity", "only_norm")),
    },
    "esam": {
        "variant": "esam",
        "scope": "all",
        "rho": 0.1,
        "settings": (("momentum", 0.9), ("sample_share", 0.5), ("tensor_share", 0.6)),
    },
    "gsam": {
        "variant": "gsam",
        "scope": "all",
        "rho": 0.1,
        "settings": (("alpha", 0.1), ("lr_min", 0.0), ("momentum", 0.9), ("rho_min", 0.0)),
    },
    "looksam": {
        "variant": "looksam",
        "scope": "all",
        "rho": 0.1,
        "settings": (("alpha", 0.7), ("every", 3), ("momentum", 0.9)),
    },
    "ae_sam": {
        "variant": "ae_sam",
        "scope": "all",
        "rho": 0.1,
        "settings": (("decay", 0.9), ("momentum", 0.9), ("threshold_end", -1.0), ("threshold_start", 4.0)),
    },
    "msam": {
        "variant": "msam",
        "scope": "all",
        "rho": 0.5,
        "bn_refresh": True,
        "settings": (("decay_at", "perturbed"), ("momentum", 0.9)),
    },
    "friendly": {
        "variant": "friendly",
        "scope": "only_norm",
        "rho": 0.1,
        "settings": (("decay", 0.9), ("momentum", 0.9), ("sigma", 1.0)),
    },
    "micro-batches": {"variant": "sam", "scope": "only_norm[2]", "rho": 0.1, "m": 64},
    "plain micro-batches": {"m": 64},
    "late sam": {"variant": "sam", "scope": "all", "rho": 0.1, "perturb_from": 1, "perturb_until": 2},
    "freeze_norm": {"variant": "sam", "scope": "all", "rho": 0.1, "trainable": "freeze_norm"},
    "only_norm trained": {"variant": "sam", "scope": "only_norm", "rho": 0.1, "trainable": "only_norm"},
    "norm_dropout": {"variant": "sam", "scope": "all", "rho": 0.1, "norm_dropout": 0.2, "weight_decay_on": "no_norm"},
    "norm_dropout on outputs": {"norm_dropout": 0.2, "norm_dropout_on": "output"},
    "approximate": {"variant": "sam", "scope": "all", "rho": 0.1, "ascent_share": 0.5, "ascent_dtype": "bfloat16"},
}
