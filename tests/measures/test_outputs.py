"""Outputs per image: quantities by hand and by scikit-learn, whole and cut to the likeliest classes, and their file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn import metrics

from bench.measures.outputs import TOP, Outputs, brier, calibration_error, nll, top5_accuracy
from bench.store.damage import Damaged
from bench.store.folder import TrialFolder
from bench.store.outputs import damaged_outputs, read_outputs, write_outputs

CLASSES = 30


def shifted(logits: np.ndarray) -> np.ndarray:
    return (logits - logits.max(axis=1, keepdims=True)).astype(np.float16)


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Logits of 2,000 images, right in about half of the cases, and their labels."""
    random = np.random.default_rng(3)
    labels = random.integers(0, CLASSES, 2000).astype(np.int32)
    logits = random.normal(0, 2, (2000, CLASSES))
    logits[np.arange(2000), labels] += 4
    return shifted(logits), labels


def test_two_images_by_hand() -> None:
    """Probabilities ¾ and ¼, the first right, the second wrong: NLL (ln 4/3 + ln 4) / 2, Brier (⅛ + 9/8) / 2."""
    logits = shifted(np.log(np.array([[0.75, 0.25], [0.75, 0.25]])))
    outputs = Outputs.of(logits, np.array([0, 1], dtype=np.int32))
    assert nll(outputs) == pytest.approx((np.log(4 / 3) + np.log(4)) / 2, abs=1e-3)
    assert brier(outputs) == pytest.approx((2 / 16 + 18 / 16) / 2, abs=1e-3)
    # One bin: confidence ¾, accuracy ½.
    assert calibration_error(outputs, bins=15) == pytest.approx(25, abs=0.1)
    assert outputs.correct.tolist() == [True, False]


def test_quantities_are_those_of_scikit_learn(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    logits, labels = drawn
    outputs = Outputs.of(logits, labels)
    exact = np.exp(logits.astype(np.float64))
    probabilities = exact / exact.sum(axis=1, keepdims=True)
    classes = range(CLASSES)
    assert nll(outputs) == pytest.approx(metrics.log_loss(labels, probabilities, labels=classes), rel=1e-5)
    onehot = np.eye(CLASSES)[labels]
    assert brier(outputs) == pytest.approx(((probabilities - onehot) ** 2).sum(axis=1).mean(), rel=1e-5)
    top5 = metrics.top_k_accuracy_score(labels, probabilities, k=5, labels=classes)
    assert top5_accuracy(outputs) == pytest.approx(100 * top5)
    assert outputs.correct.mean() == pytest.approx(metrics.accuracy_score(labels, probabilities.argmax(axis=1)))


def test_the_calibration_error_is_the_sum_over_bins(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    outputs = Outputs.of(*drawn)
    confidence, error = outputs.confidence, 0.0
    for low in range(10):
        inside = (confidence > low / 10) & (confidence <= (low + 1) / 10)
        if inside.any():
            error += inside.mean() * abs(outputs.correct[inside].mean() - confidence[inside].mean())
    assert calibration_error(outputs, bins=10) == pytest.approx(100 * error, abs=1e-3)


def test_the_likeliest_classes_give_the_same_quantities(drawn: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    whole, cut = Outputs.of(*drawn), Outputs.of(*drawn, most_bytes=1000)
    assert cut.logits.shape == (2000, TOP)
    for quantity in (nll, brier, top5_accuracy):
        assert quantity(cut) == quantity(whole)
    assert calibration_error(cut, bins=15) == calibration_error(whole, bins=15)
    assert np.array_equal(cut.predicted, whole.predicted)
    for outputs in (whole, cut):
        folder = TrialFolder(tmp_path)
        write_outputs(folder, outputs)
        read = read_outputs(folder.outputs)
        assert read is not None
        for name in ("labels", "logits", "classes", "label_logit", "log_sum", "squares"):
            assert np.array_equal(getattr(read, name), getattr(outputs, name)), name
        assert nll(read) == nll(outputs)


def test_the_file_is_parquet_of_16_bits_with_a_seal(drawn: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    assert read_outputs(folder.outputs) is None
    assert damaged_outputs(folder) == {}
    write_outputs(folder, Outputs.of(*drawn))
    column = pq.ParquetFile(folder.outputs).metadata.row_group(0).column(1)
    assert (column.compression, str(pq.ParquetFile(folder.outputs).schema_arrow.field("logits").type)) == (
        "ZSTD",
        "list<element: halffloat>",
    )
    data = bytearray(folder.outputs.read_bytes())
    data[len(data) // 2] ^= 1
    folder.outputs.write_bytes(bytes(data))
    with pytest.raises(Damaged, match="its checksum doesn't match its content; `sambench store check --repair` puts"):
        read_outputs(folder.outputs)
    assert list(damaged_outputs(folder)) == [folder.outputs]
