"""Every image a little brighter or darker."""

from typing import Annotated

import torch
from annotated_types import Gt, Lt
from torch import Generator, Tensor


def brightness(
    images: Tensor,
    generator: Generator,
    *,
    flip: bool,
    change: Annotated[float, Gt(0), Lt(1), "largest change of brightness"] = 0.2,
) -> Tensor:
    """Brightness times a random factor."""
    factors = 1 + change * (2 * torch.rand(len(images), generator=generator) - 1)
    return (images * factors.to(images.device).view(-1, 1, 1, 1)).round().clamp(0, 255).to(torch.uint8)
