"""Training that takes its time without taking a processor's, for tests in which something happens meanwhile."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Annotated

from annotated_types import Ge
from torch import Generator, Tensor

from bench.trial import Trial


def paced(pause: float, until: Path | str = "") -> str:
    """Fields of a sweep's grid: every batch waits, until there is a file of that name; weights are those without it."""
    return f'augment: "{__name__}:{slowly.__name__}", pause: {pause}, until: "{until}"'


def unpaced(trial: Trial) -> Trial:
    """The same training without pauses."""
    settings = tuple((name, value) for name, value in trial.settings if name not in ("pause", "until"))
    return dataclasses.replace(trial, augment="none", settings=settings)


def slowly(
    images: Tensor,
    generator: Generator,
    *,
    flip: bool,
    pause: Annotated[float, Ge(0), "seconds that a batch waits"] = 0.3,
    until: Annotated[str, "a file that ends all pauses as soon as it is there"] = "",
) -> Tensor:
    """The images, a while later."""
    if not (until and Path(until).exists()):
        time.sleep(pause)
    return images
