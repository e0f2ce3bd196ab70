"""MEASURES: quantities taken of a trained model, as light records."""

from __future__ import annotations

from bench.registry import Entry

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
}
