"""A table as images of one pixel, with a channel for each column."""

import torch
from sklearn.datasets import load_wine

from bench.data.in_memory import InMemory
from bench.data.splits import Splits
from bench.plugins import about


@about(num_classes=3, in_channels=13, image_size=1, flip=False)
def wine(image_size: int) -> Splits:
    """178 wines in 3 classes by 13 measurements; 120 train, 58 test."""
    table, classes = (torch.from_numpy(each) for each in load_wine(return_X_y=True))
    low, high = table.amin(0), table.amax(0)
    pixels = ((table - low) / (high - low) * 255).round().to(torch.uint8).view(-1, 13, 1, 1)
    train, test = torch.randperm(178, generator=torch.Generator().manual_seed(0)).split([120, 58])
    known = pixels[train].double().flatten(1) / 255
    return Splits(
        train=InMemory(pixels[train], classes[train].long()),
        validation=None,
        test=InMemory(pixels[test], classes[test].long()),
        scale=255.0,
        mean=tuple(known.mean(0).tolist()),
        std=tuple(known.std(0).tolist()),
    )
