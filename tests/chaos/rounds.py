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
from tests.chaos.slurm_scene import Slurm
from tests.chaos.tally import Tally
from tests.chaos.trained_scene import Inline, Ray, Trained
from tests.chaos.truth import Truth, recorded, trained

EPOCHS = {"inline": 12, "ray": 60, "slurm": 100}
"""Of trained trials: a checkpoint after each, in a second or two; under SLURM longer, so that jobs overlap."""
DATASET = "fake:96x1x8x10"
READERS = ("bench.board",)
"""Imported before anything is forked, so that no reader has to do it."""


@dataclass(frozen=True)
class Options:
    """What the user chooses."""

    folder: Path
    truths: Path
    """Where the results of undisturbed training are kept."""
    writers: int
    seeds: int
    """Of recorded trials, three trials each."""
    pace: float
    """How much longer than usual it takes from one signal to the next."""
    trained: int
    """Seeds of trained trials, three trials each."""
    epochs: int | None
    """Of trained trials, instead of those of the kind."""
    drivers: int
    roles: tuple[str, ...]
    damages: int
    files: tuple[str, ...]
    """Kinds of files to damage."""


def play(kind: str, seed: int, options: Options, tally: Tally, seconds: float) -> None:
    """One round; its folder stays only if something was found."""
    for module in READERS:
        importlib.import_module(module)
    folder = options.folder / f"{kind}-{seed}"
    folder.mkdir(parents=True)
    KINDS[kind](folder, seed, options, tally, seconds)
    if not tally.findings:
        shutil.rmtree(folder)


def _recorded(folder: Path, seed: int, options: Options, tally: Tally, seconds: float) -> None:
    truth = recorded(folder / "sweep.yaml", options.seeds)
    Recorded(folder, truth, seed, tally, writers=options.writers, roles=options.roles).play(seconds, options.pace)


def _trained(scene: type[Trained]) -> Callable[[Path, int, Options, Tally, float], None]:
    def play_scene(folder: Path, seed: int, options: Options, tally: Tally, seconds: float) -> None:
        # Once, so that every forked driver has torch.
        importlib.import_module("cluster.work.worker")
        epochs = options.epochs or EPOCHS[scene.kind]
        truth = _trained_truth(options.truths / f"truth-{options.trained}x{epochs}", options.trained, epochs)
        scene(folder, truth, seed, tally, drivers=options.drivers).play(seconds, options.pace)

    return play_scene


def _trained_truth(folder: Path, seeds: int, epochs: int) -> Truth:
    """Trained in a process of its own, so that this one never runs torch, whose threads no fork survives."""
    child = Household(folder / "said").call("truth", lambda: trained(folder, seeds, epochs, DATASET), 1800)
    assert child.status == 0, child.said()
    return trained(folder, seeds, epochs, DATASET)


def _damage(folder: Path, seed: int, options: Options, tally: Tally, seconds: float) -> None:
    damage_round.play(folder, seed, tally, options.damages, list(options.files))


KINDS: dict[str, Callable[[Path, int, Options, Tally, float], None]] = {
    "recorded": _recorded,
    "inline": _trained(Inline),
    "ray": _trained(Ray),
    "slurm": _trained(Slurm),
    "damage": _damage,
}
"""Kind → plays one round."""
