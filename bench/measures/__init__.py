"""MEASURES: quantities measured on a trained model, as light records.

A name may have settings, `sharpness[rho=0.003]`; `bench.measures.names` reads and writes such names. An object is
called with what is measured, a `Trained`, and with every setting by name, and returns a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

from bench.plugins import Registry
from bench.registry import MeasureEntry, Setting


def entry(name: str) -> MeasureEntry:
    """The record of a measure, whose name may have settings; KeyError if there is none."""
    return MEASURES[name.partition("[")[0]]


def _shifted(name: str, summary: str) -> MeasureEntry:
    return MeasureEntry(
        target=f"bench.measures.shifted:{name}",
        summary=f"top-1 accuracy on {summary}, %",
        trained_on="imagenet",
        test_set=name,
    )


_RHO = Annotated[float, Gt(0)]
_COUNT = Annotated[int, Ge(1)]
_NORM = Literal["linf", "l2"]


def _sharpness(norm: str, rho: float, *, normalize_logits: bool) -> dict[str, Setting]:
    """What both kinds of sharpness are told."""
    return {
        "norm": Setting(type=_NORM, default=norm, summary="norm of the perturbation: linf or l2"),
        "adaptive": Setting(
            type=bool, default=True, summary="whether the perturbation is scaled by |w|, entry by entry"
        ),
        "rho": Setting(type=_RHO, default=rho, summary="radius ρ of the perturbation"),
        "normalize_logits": Setting(
            type=bool, default=normalize_logits, summary="whether logits are centred and divided by their norm first"
        ),
        "samples": Setting(type=_COUNT, default=2048, summary="number of training images, from the first"),
        "m": Setting(type=_COUNT, default=128, summary="images per batch"),
    }


def _later(target: str, summary: str, source: str, settings: Mapping[str, Setting], **more: Any) -> MeasureEntry:
    return MeasureEntry(
        target=f"bench.measures.{target}",
        summary=summary,
        source=source,
        settings=settings,
        later=True,
        **more,
    )


def _of_outputs(
    target: str, summary: str, source: str, settings: Mapping[str, Setting] | None = None, **more: Any
) -> MeasureEntry:
    """Of what the model says of the test images: taken at the end of a training that keeps it, or later."""
    options = {"lower_is_better": True, "light": True, **more}
    return _later(f"outputs:{target}", summary, source, settings or {}, of_outputs=True, **options)


_MEASURES: dict[str, MeasureEntry] = {
    "test_accuracy": MeasureEntry(
        target="bench.measures.accuracy:of_test", summary="accuracy on the test split after the last epoch, %"
    ),
    "val_accuracy": MeasureEntry(
        target="bench.measures.accuracy:of_validation",
        summary="accuracy on the validation split after the last epoch, %",
        needs_validation=True,
    ),
    "best_test_accuracy": MeasureEntry(
        target="bench.measures.accuracy:best_of_test",
        summary="highest test accuracy of any epoch, %; selected on the test split, so optimistic",
    ),
    "best_val_accuracy": MeasureEntry(
        target="bench.measures.accuracy:best_of_validation",
        summary="highest validation accuracy of any epoch, %",
        needs_validation=True,
    ),
    "bleu": MeasureEntry(
        target="bench.measures.translated:of_test",
        summary="BLEU on the test split after the epoch with the highest validation BLEU",
        source="Papineni et al. 2002; tokenised, lower-cased, with beam search",
        task="translation",
        unit="BLEU",
    ),
    "val_bleu": MeasureEntry(
        target="bench.measures.translated:of_validation",
        summary="highest BLEU on the validation split of any epoch",
        task="translation",
        needs_validation=True,
        unit="BLEU",
    ),
    "imagenet_v2_accuracy": _shifted("imagenet_v2", "ImageNet-V2 (matched frequency)"),
    "imagenet_r_accuracy": _shifted("imagenet_r", "ImageNet-R (among its 200 classes)"),
    "imagenet_a_accuracy": _shifted("imagenet_a", "ImageNet-A (among its 200 classes)"),
    "imagenet_sketch_accuracy": _shifted("imagenet_sketch", "ImageNet-Sketch"),
    "objectnet_accuracy": _shifted("objectnet", "ObjectNet (among the ImageNet classes of its 113 objects)"),
    "sharpness": _later(
        "sharpness.worst:worst_case",
        "largest rise of the training loss in a ball around the weights, found by AutoPGD; mean over batches of m",
        "Müller et al. 2023, eq. 6; Andriushchenko et al. 2023",
        _sharpness("linf", 0.005, normalize_logits=True)
        | {
            "steps": Setting(type=_COUNT, default=20, summary="number of AutoPGD steps"),
            "first_step": Setting(
                type=Annotated[float, Gt(0), Le(1)],
                default=1.0,
                summary="fraction of the first step to take; 0.75 as in the authors' code",
            ),
        },
        lower_is_better=True,
        unit="nats",
        digits=3,
    ),
    "average_sharpness": _later(
        "sharpness.average:average_case",
        "mean rise of the training loss under random perturbations of the weights",
        "Andriushchenko et al. 2023; Müller et al. 2023, table 19",
        _sharpness("l2", 0.1, normalize_logits=False)
        | {"draws": Setting(type=_COUNT, default=20, summary="number of random perturbations")},
        lower_is_better=True,
        unit="nats",
        digits=3,
    ),
    "feature_rank": _later(
        "feature_rank:rank_of_features",
        "number of singular values that make up 99 % of the squared spectrum of the last stage's features",
        "Andriushchenko et al. 2023, SAM leads to low-rank features; Müller et al. 2023, table 6",
        {
            "centre": Setting(
                type=Literal["sample", "feature"],
                default="sample",
                summary="what is centred; sample: each sample, as in the authors' code; feature: each feature",
            ),
            "share": Setting(
                type=Annotated[float, Gt(0), Lt(1)], default=0.99, summary="share of the squared spectrum"
            ),
            "samples": Setting(type=_COUNT, default=10_240, summary="number of training images, from the first"),
        },
        lower_is_better=True,
        unit="singular values",
        digits=0,
    ),
    "robust_accuracy": _later(
        "robustness:robust_accuracy",
        "accuracy on the test split under APGD-CE, then APGD-T on the images that survive, %",
        "Croce and Hein 2020, AutoAttack; Müller et al. 2023, tables 4, 14 and 15",
        {
            "norm": Setting(type=_NORM, default="linf", summary="norm of the attack: linf or l2"),
            "eps": Setting(
                type=Annotated[float, Gt(0)],
                default=1 / 255,
                summary="radius of the attack on images in [0, 1]; fractions such as 2/255 are allowed",
            ),
            "iterations": Setting(type=_COUNT, default=100, summary="iterations per attack"),
            "targets": Setting(
                type=_COUNT, default=9, summary="most classes that APGD-T targets, likeliest wrong ones first"
            ),
            "samples": Setting(
                type=Annotated[int, Ge(0)], default=0, summary="number of test images, from the first; 0: all"
            ),
        },
        # Logits that the targeted difference-of-logits ratio compares.
        fewest_classes=4,
    ),
    "nll": _of_outputs("nll", "mean negative log-likelihood of the test labels", "", unit="nats", digits=3),
    "brier": _of_outputs(
        "brier",
        "Brier score on the test split: squared distance of the probabilities from the right class, 0 to 2",
        "Brier 1950",
        unit="",
        digits=3,
    ),
    "ece": _of_outputs(
        "calibration_error",
        "expected calibration error on the test split, %: gap between accuracy and confidence",
        "Guo et al. 2017",
        {"bins": Setting(type=_COUNT, default=15, summary="number of equal-width confidence bins")},
        digits=2,
    ),
    "top5_accuracy": _of_outputs(
        "top5_accuracy",
        "share of the test images whose class is among the five likeliest, %",
        "",
        lower_is_better=False,
    ),
    "weight_histogram": _later(
        "weights:histogram",
        "histogram of one kind of layer's weights, for `sambench plot --kind weights`; as a number, their mean",
        "Müller et al. 2023, figures 5 and 9",
        {
            "layer": Setting(
                type=Literal["gamma", "beta", "conv", "linear"],
                default="gamma",
                summary="gamma or beta of norm layers, or weights and biases of conv or linear layers",
            ),
            "scale": Setting(
                type=Literal["linear", "log"],
                default="linear",
                summary="linear bins of w, or logarithmic bins of |w|",
            ),
        },
        task=None,
        unit="",
        digits=3,
        light=True,
    ),
}

MEASURES: Registry[MeasureEntry] = Registry("measure", _MEASURES)
