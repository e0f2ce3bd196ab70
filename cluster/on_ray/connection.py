"""Connection: the Ray instance that a run uses: its own, or an existing one that outlives it."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import ray

from bench.errors import MachineFault, first_line, machine_fault
from cluster.launcher import LaunchError
from cluster.on_ray.daemons import RayLost, Watch
from cluster.on_ray.reachable import check_address
from cluster.scratch import Scratch, unwritable
from cluster.work.environment import code_environment, worker_environment

_OBJECT_STORE_BYTES = 100 * 2**20
_ROOM = 2**20
"""Bytes that Ray writes at least as it starts."""


class Connection:
    """To Ray, with a folder for what Ray and Tune write."""

    def __init__(self, address: str | None, threads: int) -> None:
        """Start an instance on this machine, or connect to the one at `address`; LaunchError if that fails."""
        self.shared = address is not None
        on_terminate = signal.getsignal(signal.SIGTERM)
        if address is not None:
            check_address(address)
        self._scratch = Scratch()
        self.folder = self._scratch.path
        options = {
            "log_to_driver": False,
            "logging_level": logging.ERROR,
            "runtime_env": {"env_vars": _environment(threads)},
        }
        try:
            # Workers look for code in the folder that Ray is started from, before any other.
            with chdir(self.folder):
                if address is None:
                    _start(self.folder, options)
                else:
                    _connect(address, options)
        except BaseException:
            self._scratch.close()
            raise
        # Ray takes SIGTERM for itself, and would leave our records open.
        signal.signal(signal.SIGTERM, on_terminate)
        self._watch = None if self.shared else Watch(self._scratch)

    @contextmanager
    def attended(self) -> Iterator[None]:
        """Inside, LaunchError as soon as our own Ray breaks down, whatever the main thread waits for."""
        if self._watch is None:
            yield
            return
        try:
            with self._watch.raising():
                yield
        except (RayLost, Exception) as error:
            # Ray makes an error of its own of one that comes while it waits.
            if self._watch.lost:
                raise LaunchError(self._watch.lost) from error
            raise

    def close(self) -> None:
        """Stop the own instance, or leave the other, which ends the workers of this run."""
        if self._watch is None:
            ray.shutdown()
            self._scratch.close()
        elif self._watch.close():
            self._watch.stop(ray.shutdown)
            self._scratch.close()


def _start(folder: Path, options: dict[str, Any]) -> None:
    try:
        ray.init(
            # Whatever cluster the environment or the machine may have.
            address="local",
            num_cpus=len(os.sched_getaffinity(0)),
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            # A folder in ours: Ray lets everybody write to it.
            _temp_dir=str(folder / "r"),
            **options,
        )
    except Exception as error:
        # Of a folder without room for its files Ray says only that it waited in vain.
        fault = machine_fault(error) or unwritable(folder, _ROOM)
        if fault:
            raise MachineFault(fault) from error
        raise LaunchError(f"Ray can't be started: {first_line(error)}; --on inline works without it") from error


def _connect(address: str, options: dict[str, Any]) -> None:
    try:
        ray.init(address=address, **options)
    except Exception as error:
        raise LaunchError(f"the Ray cluster at {address} can't be used from here: {first_line(error)}") from error


def _environment(threads: int) -> dict[str, str]:
    """What workers don't inherit, as they are started elsewhere: our settings, and this code."""
    return {
        **{name: value for name, value in os.environ.items() if name.startswith("SAMBENCH_")},
        # Relative to the working directory of this command, which workers don't share.
        "SAMBENCH_DATA": str(Path(os.environ.get("SAMBENCH_DATA", "data")).absolute()),
        **worker_environment(threads),
        **code_environment(),
    }
