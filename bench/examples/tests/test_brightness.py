"""Is every image changed by one factor, within its bounds?"""

import torch

from bench.examples.brightness import brightness


def test_one_factor_an_image() -> None:
    images = torch.full((16, 3, 4, 4), 100, dtype=torch.uint8)
    varied = brightness(images, torch.Generator().manual_seed(0), flip=True, change=0.5)
    assert varied.dtype == torch.uint8
    assert all(len(image.unique()) == 1 and 50 <= image[0, 0, 0] <= 150 for image in varied)
    assert len(varied.unique()) > 8
