"""Epoch: how far an epoch of training is, what it has seen, and how it goes on after a stop in its middle."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from bench import distributed
from bench.sam.report import Report

_NORMS = ("ascent_norm", "perturbation_norm")


class Epoch:
    """Sums over the steps so far, kept on the device so that no step waits for them."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.steps, self.seen = 0, 0
        self.seconds, self._waiting = 0.0, 0.0
        """Of training, earlier attempts at the epoch included."""
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._generators: list[Tensor] = []
        self._last: Report | None = None
        self._started = 0.0

    def start(self, seed: int) -> None:
        """Before the first step here: seed the generators of dropout, or set them as they were at the stop."""
        if self._generators:
            torch.set_rng_state(self._generators[0])
            if self._device.type == "cuda":
                torch.cuda.set_rng_state(self._generators[1], self._device)
        else:
            torch.manual_seed(seed)
        self._started = time.perf_counter()

    def add(self, loss: Tensor, report: Report | None, count: int) -> None:
        """A step on `count` samples, over all processes."""
        self.steps += 1
        self.seen += count
        self._last = report
        perturbed = report.perturbed_loss if report else None
        for name, value in (("train_loss", loss), ("perturbed_loss", perturbed)):
            if value is not None:
                self._sums[name] = self._sums.get(name, torch.zeros((), device=self._device)) + value * count
                self._counts[name] = self._counts.get(name, 0) + count

    def pause(self, waiting: float) -> None:
        """Stop within the epoch: hold what the next step depends on."""
        self._clock(waiting)
        # Each process has its own draws; a resume goes on with those of the first, which is as good.
        self._generators = [torch.get_rng_state()]
        if self._device.type == "cuda":
            self._generators.append(torch.cuda.get_rng_state(self._device))

    def finish(self, waiting: float) -> dict[str, Any]:
        """Mean losses at w and, of the steps that had one, at w + ε; norms of the last step; speed."""
        means = {name: self._mean(total) / self._counts[name] for name, total in self._sums.items()}
        norms = self._norms()
        self._clock(waiting)
        return means | norms | {"images_per_s": self.seen / self.seconds, "waiting_seconds": self._waiting}

    def state_dict(self) -> dict[str, Any]:
        """Where it stands; nothing but zeros between epochs."""
        names = ("steps", "seen", "seconds", "_waiting", "_sums", "_counts", "_generators")
        state = {name.lstrip("_"): getattr(self, name) for name in names}
        return state | {"sums": {name: self._mean(total) for name, total in self._sums.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.steps, self.seen, self.seconds = state["steps"], state["seen"], state["seconds"]
        self._waiting, self._counts = state["waiting"], dict(state["counts"])
        self._sums = {name: torch.tensor(total, device=self._device) for name, total in state["sums"].items()}
        self._generators = [tensor.cpu() for tensor in state["generators"]]

    def _norms(self) -> dict[str, float | None]:
        """Norms of the last step; of processes that perturb each for themselves, the mean."""
        if self._last is None:
            return {}
        found = {name: getattr(self._last, name) for name in _NORMS}
        norms: dict[str, float | None] = {"gradient_norm": self._last.gradient_norm}
        for name, value in found.items():
            norms[name] = None if value is None else self._mean(torch.as_tensor(value, device=self._device))
        return norms

    def _mean(self, value: Tensor) -> float:
        return float(distributed.add_up(value.clone())) / distributed.world().size

    def _clock(self, waiting: float) -> None:
        self.seconds += time.perf_counter() - self._started
        self._waiting += waiting
