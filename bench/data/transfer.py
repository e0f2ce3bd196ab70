"""Copies of small tensors to the device that no step waits for."""

from __future__ import annotations

import torch
from torch import Tensor


def transfer(tensor: Tensor, device: torch.device) -> Tensor:
    """`tensor` on `device`, in time for what is launched there later."""
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    # From pageable memory even a copy that needn't be waited for is.
    return tensor.pin_memory().to(device, non_blocking=True)
