"""Which measure each metric of the paper's tables is, by the name that `paper_numbers.csv` has for it."""

from __future__ import annotations

import re

from bench.measures.names import parse

_NAMED = {
    "test_acc_%": "test_accuracy", "ImageNet_top1_%": "test_accuracy", "clean_acc_%": "test_accuracy",
    "ImageNetV2_top1_%": "imagenet_v2_accuracy", "ImageNet-R_top1_%": "imagenet_r_accuracy",
    "ImageNet-A_top1_%": "imagenet_a_accuracy", "ImageNet-Sketch_top1_%": "imagenet_sketch_accuracy",
    "ObjectNet_top1_%": "objectnet_accuracy", "feature_rank": "feature_rank",
}  # fmt: skip
_FORMS = (
    (r"sharp_logitnorm_adaptive_(linf|l2)_20step_rho(.+)", "sharpness[norm={0},rho={1}]"),
    # The authors' code takes 0.75 of its first step, and their numbers come from it.
    (r"sharp_logitnorm_adaptive_(linf|l2)_1step_rho(.+)", "sharpness[norm={0},rho={1},steps=1,first_step=0.75]"),
    (r"sharp_(linf|l2)_worst_adaptive_rho(.+)", "sharpness[norm={0},rho={1},normalize_logits=false]"),
    (r"sharp_(linf|l2)_worst_nonadaptive_rho(.+)", "sharpness[norm={0},rho={1},normalize_logits=false,adaptive=false]"),
    (r"sharp_(linf|l2)_avg_adaptive_rho(.+)", "average_sharpness[norm={0},rho={1}]"),
    (r"sharp_(linf|l2)_avg_nonadaptive_rho(.+)", "average_sharpness[norm={0},rho={1},adaptive=false]"),
    (r"robust_acc_(linf|l2)_(.+)_%", "robust_accuracy[norm={0},eps={1}]"),
)
"""Table 6's and 18's sharpness, Table 19's without logit normalization, and the robustness of Tables 4, 14 and 15."""


def measure_of(metric: str) -> str | None:
    """The name of the measure, None if no measure here is the metric."""
    if metric in _NAMED:
        return _NAMED[metric]
    for form, name in _FORMS:
        if found := re.fullmatch(form, metric):
            return parse(name.format(*found.groups())).name
    return None
