"""One draw of the noise for both passes of a step.

Dropout and stochastic depth make the loss a function of w and a noise. Sharpness compares one function at
two points, so pass 2 repeats the noise of pass 1, as it repeats the mini-batch. It also makes a shared
prefix exact for stochastic layers. Public SAM code draws anew; nothing differs for networks without noise.

The generators of `random` and of numpy count too: a closure that mixes samples up draws its λ from them.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from typing import Any

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
    python: Any
    """State of the generator of `random`."""
    numpy: Any
    """State of numpy's global generator; None if nothing has imported it."""

    @classmethod
    def now(cls, device: torch.device) -> Noise:
        """Remember the generators that a network on `device` draws from."""
        here = device.type in ("cpu", "meta")
        other = None if here else torch.get_device_module(device).get_rng_state(device)
        numpy = _numpy_random()
        state = None if numpy is None else numpy.get_state()
        return cls(device, torch.get_rng_state(), other, random.getstate(), state)

    def repeat(self) -> None:
        """Draw from here on what was drawn after `now`."""
        torch.set_rng_state(self.cpu)
        if self.accelerator is not None:
            torch.get_device_module(self.device).set_rng_state(self.accelerator, self.device)
        random.setstate(self.python)
        numpy = _numpy_random()
        if numpy is not None and self.numpy is not None:
            numpy.set_state(self.numpy)


def _numpy_random() -> Any:
    # Imported by whoever draws from it; a network alone doesn't.
    return sys.modules.get("numpy.random")
