"""What each table and figure of the paper measures, where it isn't the test accuracy alone."""

from __future__ import annotations

MEASURES: dict[str, dict[str, tuple[str, ...]]] = {
    "Table 4": {
        "imagenet-vit-s32": (
            "test_accuracy", "imagenet_v2_accuracy", "imagenet_r_accuracy", "imagenet_a_accuracy",
            "imagenet_sketch_accuracy", "objectnet_accuracy", "robust_accuracy[norm=l2,eps=0.25]",
            "robust_accuracy[norm=l2,eps=0.5]", "robust_accuracy[eps=0.25/255]", "robust_accuracy[eps=0.5/255]",
        ),
    },
    "Table 6": {
        "cifar100-sharpness": (
            "test_accuracy", "sharpness[rho=0.003]", "sharpness[rho=0.005]", "sharpness[rho=0.007]",
            "sharpness[steps=1,rho=0.007,first_step=0.75]", "sharpness[steps=1,rho=0.01,first_step=0.75]",
            "sharpness[steps=1,rho=0.03,first_step=0.75]", "feature_rank",
        ),
    },
    "Table 14": {
        "cifar100-robustness": (
            "robust_accuracy[norm=l2,eps=0.1]", "robust_accuracy[norm=l2,eps=0.2]", "robust_accuracy[eps=1/255]",
            "robust_accuracy[eps=2/255]",
        ),
    },
    "Table 16": {"iwslt-transformer": ("bleu", "val_bleu"), "rho-iwslt-transformer": ("bleu", "val_bleu")},
    "Table 15": {
        "imagenet-vit-s32-robustness": (
            "robust_accuracy[norm=l2,eps=0.25]", "robust_accuracy[norm=l2,eps=0.5]", "robust_accuracy[norm=l2,eps=1]",
            "robust_accuracy[eps=0.25/255]", "robust_accuracy[eps=0.5/255]", "robust_accuracy[eps=1/255]",
        ),
    },
    "Table 18": {
        "cifar100-sharpness": ("sharpness[rho=0.003]", "sharpness[rho=0.005]", "sharpness[rho=0.007]"),
        "cifar100-sharpness-resnext": ("sharpness[rho=0.001]", "sharpness[rho=0.003]", "sharpness[rho=0.005]"),
    },
    "Table 19": {
        "cifar100-sharpness": (
            "average_sharpness[norm=l2,adaptive=false,rho=0.005,draws=20]",
            "average_sharpness[norm=l2,adaptive=true,rho=0.1,draws=20]",
            "average_sharpness[norm=linf,adaptive=false,rho=0.01,draws=20]",
            "average_sharpness[norm=linf,adaptive=true,rho=0.2,draws=20]",
            "sharpness[norm=l2,adaptive=false,rho=0.05,normalize_logits=false,steps=20]",
            "sharpness[norm=l2,adaptive=true,rho=0.25,normalize_logits=false,steps=20]",
            "sharpness[norm=linf,adaptive=false,rho=1e-5,normalize_logits=false,steps=20]",
            "sharpness[norm=linf,adaptive=true,rho=0.004,normalize_logits=false,steps=20]",
        ),
    },
    "Figure 5": {"cifar100-weights-norm": ("weight_histogram[layer=gamma]", "weight_histogram[layer=beta]")},
    "Figure 9": {
        "cifar100-weights": tuple(
            f"weight_histogram[layer={layer},scale=log]" for layer in ("gamma", "beta", "conv", "linear")
        ),
    },
}  # fmt: skip
"""What is measured of them, where it isn't the test accuracy alone."""
