"""Are all samples in one of the splits, and the training images normalized?"""

import pytest

from bench.examples.wine import wine


def test_splits() -> None:
    splits = wine(image_size=1)
    assert (len(splits.train), len(splits.test)) == (120, 58)
    images, labels = next(splits.normalized(splits.train.in_order(120)))
    assert images.shape == (120, 13, 1, 1)
    assert images.mean().item() == pytest.approx(0, abs=1e-5)
    assert labels.unique().tolist() == [0, 1, 2]
