"""One draw of the noise for both passes of a step.

Dropout and stochastic depth make the loss a function of w and a noise. Sharpness compares one function at
two points, so pass 2 repeats the noise of pass 1, as it repeats the mini-batch. It also makes a shared
prefix exact for stochastic layers. Public SAM code draws anew; nothing differs for networks without noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Noise:
    """State of the default generators at one moment."""

    device: torch.device
    """Where the network is."""
    cpu: Tensor
    """State of the CPU generator."""
    accelerator: Tensor | None
    """State of the device's generator; None on the CPU."""

    @classmethod
    def now(cls, device: torch.device) -> Noise:
        """Remember the generators that a network on `device` draws from."""
        here = device.type == "cpu"
        other = None if here else torch.get_device_module(device).get_rng_state(device)
        return cls(device, torch.get_rng_state(), other)

    def repeat(self) -> None:
        """Draw from here on what was drawn after `now`."""
        torch.set_rng_state(self.cpu)
        if self.accelerator is not None:
            torch.get_device_module(self.device).set_rng_state(self.accelerator, self.device)
