"""MEASURES: quantities taken of a trained model, as light records."""

from __future__ import annotations

from bench.registry import Entry


def _shifted(name: str, summary: str) -> Entry:
    return Entry(
        target=f"bench.measures.shifted:{name}",
        summary=f"{summary}, top-1 accuracy in %",
        traits={"trained_on": "imagenet", "test_set": name},
    )


MEASURES: dict[str, Entry] = {
    "test_accuracy": Entry(
        target="bench.measures.accuracy:of_test", summary="accuracy on the test split after the last epoch, %"
    ),
    "val_accuracy": Entry(
        target="bench.measures.accuracy:of_validation",
        summary="accuracy on the validation split after the last epoch, %",
        traits={"needs_validation": True},
    ),
    "best_test_accuracy": Entry(
        target="bench.measures.accuracy:best_of_test",
        summary="highest test accuracy of any epoch, %: chosen with the test split, so optimistic",
    ),
    "best_val_accuracy": Entry(
        target="bench.measures.accuracy:best_of_validation",
        summary="highest validation accuracy of any epoch, %",
        traits={"needs_validation": True},
    ),
    "imagenet_v2_accuracy": _shifted("imagenet_v2", "ImageNet-V2, matched frequency"),
    "imagenet_r_accuracy": _shifted("imagenet_r", "ImageNet-R, among its 200 classes"),
    "imagenet_a_accuracy": _shifted("imagenet_a", "ImageNet-A, among its 200 classes"),
    "imagenet_sketch_accuracy": _shifted("imagenet_sketch", "ImageNet-Sketch"),
    "objectnet_accuracy": _shifted("objectnet", "ObjectNet, among the classes of its 113 objects in ImageNet"),
}
"""Traits: `needs_validation`; `trained_on`, the data set whose models have the measure; `test_set`, what it is of;
`lower_is_better`, where it is."""
