"""Rounds: the kinds of chaos by name, and what each needs."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import damage_round
from tests.chaos.processes import Household
from tests.chaos.recorded_scene import Recorded
from tests.chaos.tally import Tally
from tests.chaos.trained_scene import Inline, Ray, Trained
from tests.chaos.truth import Truth, recorded, trained

TRAINED = {"seeds": 2, "epochs": 12, "dataset": "fake:96x1x8x10"}
"""Six trials of a second or two, with a checkpoint after each of many epochs."""


@dataclass(frozen=True)
class Options:
    """What the user chooses."""

    folder: Path
    writers: int
    seeds: int
    drivers: int
    roles: tuple[str, ...]
    damages: int
    files: tuple[str, ...]
    """Kinds of files to damage."""


def play(kind: str, seed: int, options: Options, tally: Tally, seconds: float) -> None:
    """One round; its folder stays only if something was found."""
    folder = options.folder / f"{kind}-{seed}"
    folder.mkdir(parents=True)
    KINDS[kind](folder, seed, options, tally, seconds)
    if not tally.findings:
        shutil.rmtree(folder)


def _recorded(folder: Path, seed: int, options: Options, tally: Tally, seconds: float) -> None:
    truth = recorded(folder / "sweep.yaml", options.seeds)
    Recorded(folder, truth, seed, tally, writers=options.writers, roles=options.roles).play(seconds)


def _trained(scene: type[Trained]) -> Callable[[Path, int, Options, Tally, float], None]:
    def play_scene(folder: Path, seed: int, options: Options, tally: Tally, seconds: float) -> None:
        # Once, so that every forked driver has torch.
        importlib.import_module("cluster.worker")
        truth = _trained_truth(options.folder / "truth")
        scene(folder, truth, seed, tally, drivers=options.drivers).play(seconds)

    return play_scene


def _trained_truth(folder: Path) -> Truth:
    """Trained in a process of its own, so that this one never runs torch, whose threads no fork survives."""
    household = Household(folder / "said")
    child = household.call("truth", lambda: _make(folder))
    assert child.status == 0, child.said()
    return _make(folder)


def _make(folder: Path) -> Truth:
    return trained(folder, **TRAINED)  # type: ignore[arg-type]


def _damage(folder: Path, seed: int, options: Options, tally: Tally, seconds: float) -> None:
    damage_round.play(folder, seed, tally, options.damages, list(options.files))


KINDS: dict[str, Callable[[Path, int, Options, Tally, float], None]] = {
    "recorded": _recorded,
    "inline": _trained(Inline),
    "ray": _trained(Ray),
    "damage": _damage,
}
"""Kind → plays one round."""
