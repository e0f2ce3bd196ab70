"""Cluster: the Ray instance that a run uses: one of its own, or one that is there and outlives it."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from typing import Any

import ray

from cluster.environment import worker_environment
from cluster.launcher import LaunchError

_PREFIX = "sambench-"
_OBJECT_STORE_BYTES = 100 * 2**20
_PATIENCE = 5.0
"""Seconds that a cluster has to answer; Ray's own patience is minutes."""
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How a client of gRPC begins: HTTP/2's preface and empty settings (RFC 9113, section 3.4)."""
_SETTINGS = 4


class Connection:
    """To Ray, with a folder for what Ray and Tune write."""

    def __init__(self, address: str | None, threads: int) -> None:
        """Start an instance on this machine, or connect to the one at `address`; LaunchError if none is there."""
        _remove_leftovers()
        self.shared = address is not None
        on_terminate = signal.getsignal(signal.SIGTERM)
        if address is not None:
            _check(address)
        # The sockets of an own instance lie under it, and their paths may have 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir="/tmp"))
        try:
            if address is None:
                _start(self.folder, threads)
            else:
                _connect(address, threads)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        # Ray takes SIGTERM for itself, and would leave our records open.
        signal.signal(signal.SIGTERM, on_terminate)

    def close(self) -> None:
        """Stop the own instance, or leave the other, which ends the workers of this run."""
        ray.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)


def _start(folder: Path, threads: int) -> None:
    ray.init(
        num_cpus=len(os.sched_getaffinity(0)),
        include_dashboard=False,
        object_store_memory=_OBJECT_STORE_BYTES,
        _temp_dir=str(folder),
        **_options(worker_environment(threads)),
    )


def _connect(address: str, threads: int) -> None:
    try:
        ray.init(address=address, **_options(_environment_elsewhere(threads)))
    except Exception as error:
        reason = str(error).strip().splitlines()
        raise LaunchError(
            f"the Ray cluster at {address} can't be used from here: {reason[0] if reason else type(error).__name__}"
        ) from error


def _options(environment: dict[str, str]) -> dict[str, Any]:
    return {"log_to_driver": False, "logging_level": logging.ERROR, "runtime_env": {"env_vars": environment}}


def _environment_elsewhere(threads: int) -> dict[str, str]:
    """What workers of a cluster that wasn't started from here don't inherit: this code, and where the data lie."""
    code = str(Path(__file__).resolve().parent.parent)
    return {
        **worker_environment(threads),
        **{name: value for name, value in os.environ.items() if name.startswith("SAMBENCH_")},
        # Relative to the working directory of this command, which workers there don't share.
        "SAMBENCH_DATA": str(Path(os.environ.get("SAMBENCH_DATA", "data")).absolute()),
        "PYTHONPATH": os.pathsep.join(filter(None, [code, os.environ.get("PYTHONPATH")])),
    }


def _check(address: str) -> None:
    """LaunchError unless something that speaks Ray's protocol answers at `address`."""
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdigit()) or "/" in host:
        raise LaunchError(
            f"--address {address!r}: write host:port, such as 10.0.0.1:6379, where `ray start --head` ran"
        )
    try:
        with socket.create_connection((host, int(port)), timeout=_PATIENCE) as probe:
            probe.sendall(_GREETING)
            frame = probe.recv(9)
        reason = "" if len(frame) == 9 and frame[3] == _SETTINGS else "something else answers there"
    except (OSError, OverflowError) as error:
        reason = str(error)
    if reason:
        raise LaunchError(f"no Ray cluster at {address}: {reason}; `ray start --head` starts one")


def _remove_leftovers() -> None:
    """Remove the temporary folders of drivers that were killed."""
    for folder in Path("/tmp").glob(f"{_PREFIX}*-*"):
        if not Path("/proc", folder.name.split("-")[1]).exists():
            shutil.rmtree(folder, ignore_errors=True)
