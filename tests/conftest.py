"""Fixtures that all tests share: a tiny trial, a store, and the command.

Without torch, which takes seconds to import: processes that tests start import this module too.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from bench import plugins
from bench.store import Store
from bench.trial import Trial
from tests.shared import command
from tests.shared.command import ROOT, Ended, command_environment, on_its_own

__all__ = ["ROOT", "command_environment"]

pytest_plugins = ["tests.shared.sample", "tests.shared.object_store", "tests.shared.hub"]

TINY_SWEEP = """
title: "Tiny"
grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 256, epochs: 2}
methods:
  - {seed: 2}
  - {variant: sam, scope: [all, only_norm], rho: [0.05, 0.1], seed: 2}
"""


def pytest_collection_finish() -> None:
    """What all tests have loaded stays: looking through it takes the garbage collector half a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Tests run side by side, one processor each; results also depend on the number of threads."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def as_a_new_process() -> Iterator[None]:
    """A worker sets the number of threads, and a command where to read of plug-ins; other tests must not see that."""
    yield
    import torch

    torch.set_num_threads(1)
    plugins.take_recorded(list)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test session share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture
def make_trial() -> Callable[..., Trial]:
    """A trial of well under a second; keywords replace fields."""

    def make(**fields: object) -> Trial:
        base: dict[str, object] = {
            "dataset": "digits",
            "model": "resnet8",
            "optimizer": "sgd",
            "lr": 0.05,
            "weight_decay": 5e-4,
            "batch_size": 256,
            "epochs": 2,
            "seed": 0,
            "settings": (("momentum", 0.9),),
        }
        return Trial(**(base | fields))  # type: ignore[arg-type]

    return make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.create(tmp_path / "store")


@pytest.fixture
def tiny_sweep(tmp_path: Path) -> Path:
    """A sweep file of ten tiny trials."""
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY_SWEEP, encoding="utf-8")
    return file


@pytest.fixture
def sambench(tmp_path: Path) -> Callable[..., Ended]:
    """Run the command with the working directory and the store under `tmp_path`."""
    return partial(command.sambench, tmp_path)


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., Ended]:
    """Run the command as a user does, in a process of its own: for what depends on one."""

    def run(*arguments: object) -> Ended:
        return on_its_own(tmp_path, [str(argument) for argument in arguments], command_environment(tmp_path))

    return run
