"""Epoch: the progress of an epoch, what it has seen, and how it resumes in the middle."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
from torch import Tensor

from bench import distributed
from bench.sam.report import Report


class Epoch:
    """Sums over the steps so far, kept on the device so that no step waits for them."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.steps, self.seen = 0, 0
        self.seconds, self._waiting = 0.0, 0.0
        """Of training, earlier attempts at the epoch included."""
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, Tensor | int] = {}
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
        self._add("train_loss", loss * count, count)
        perturbed = report.perturbed if report else None
        if perturbed is not None:
            there = perturbed.count > 0
            self._add("perturbed_loss", torch.where(there, perturbed.loss * count, 0), there * count)

    def _add(self, name: str, value: Tensor, count: Tensor | int) -> None:
        self._sums[name] = self._sums[name] + value if name in self._sums else value
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
        sums, counts = self._read(self._sums), {name: int(count) for name, count in self._counts.items()}
        means = {name: total / counts[name] for name, total in sums.items() if counts[name]}
        norms = self._norms()
        self._clock(waiting)
        return means | norms | {"images_per_s": self.seen / self.seconds, "waiting_seconds": self._waiting}

    def state_dict(self) -> dict[str, Any]:
        """How far the epoch is; all zeros between epochs."""
        names = ("steps", "seen", "seconds", "_waiting", "_sums", "_counts", "_generators")
        state = {name.lstrip("_"): getattr(self, name) for name in names}
        counts = {name: int(count) for name, count in self._counts.items()}
        return state | {"counts": counts, "sums": self._read(self._sums)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from what `state_dict` gave."""
        self.steps, self.seen, self.seconds = state["steps"], state["seen"], state["seconds"]
        self._waiting, self._counts = state["waiting"], dict(state["counts"])
        self._sums = {name: torch.tensor(total, device=self._device) for name, total in state["sums"].items()}
        self._generators = [tensor.cpu() for tensor in state["generators"]]

    def _norms(self) -> dict[str, float | None]:
        """Norms of the last step; of processes that perturb each for themselves, the mean."""
        if self._last is None:
            return {}
        norms: dict[str, float | None] = {"gradient_norm": float(self._last.gradient_norm)}
        perturbed = self._last.perturbed
        found = {"ascent_norm": self._last.ascent_norm, "perturbation_norm": perturbed.norm if perturbed else None}
        # Whether a process had an ε is its own affair, and all must send the same message: NaN where it had none.
        norms |= dict.fromkeys(found) | self._read({name: value for name, value in found.items() if value is not None})
        if math.isnan(norms["perturbation_norm"] or 0.0):
            norms["perturbation_norm"] = None
        return norms

    def _read(self, values: dict[str, Tensor]) -> dict[str, float]:
        """Means over processes, all in one message and one wait for the device."""
        if not values:
            return {}
        together = torch.stack([value.float() for value in values.values()])
        totals = distributed.add_up(together).tolist()
        return {name: total / distributed.world().size for name, total in zip(values, totals, strict=True)}

    def _clock(self, waiting: float) -> None:
        self.seconds += time.perf_counter() - self._started
        self._waiting += waiting
