"""What the user chooses about a cluster, where its files lie, and the ports it listens on."""

from __future__ import annotations

import random
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the user chooses."""

    nodes: int = 2
    """Nodes n1, n2, …: one slurmd each, all on this machine."""
    cpus: int = 2
    """CPUs that each node claims to have; the machine may have fewer."""
    max_array: int = 1001
    """MaxArraySize: array indices lie below it."""
    grace: int = 20
    """Seconds between the signal to a preempted job and its end; at least kill_wait and 5 more, since SLURM only then
    looks again at the job that preempts."""
    kill_wait: int = 10
    """Seconds between SIGTERM and SIGKILL to a job that ends."""
    requeue_delay: int = 20
    """Seconds that a requeued job waits before it may start again (120 on a cluster that doesn't say otherwise)."""

    @property
    def names(self) -> list[str]:
        return [f"n{number}" for number in range(1, self.nodes + 1)]


@dataclass(frozen=True)
class Layout:
    """Every path below the state folder."""

    state: Path

    @property
    def settings(self) -> Path:
        """Also the sign that the folder is ours to remove."""
        return self.state / "cluster.json"

    @property
    def slurm(self) -> Path:
        return self.state / "slurm.conf"

    @property
    def slurmdbd(self) -> Path:
        """SLURM looks for it beside slurm.conf."""
        return self.state / "slurmdbd.conf"

    @property
    def key(self) -> Path:
        return self.state / "munge.key"

    @property
    def munge(self) -> Path:
        return self.state / "munge.socket"

    @property
    def database(self) -> Path:
        return self.state / "mariadb"

    @property
    def sql(self) -> Path:
        return self.state / "mariadb.socket"

    @property
    def controller(self) -> Path:
        return self.state / "slurmctld"

    def spool(self, node: str) -> Path:
        return self.state / "spool" / node

    @property
    def logs(self) -> Path:
        return self.state / "log"

    def log(self, daemon: str) -> Path:
        return self.logs / f"{daemon}.log"

    def output(self, daemon: str) -> Path:
        """What a daemon writes to its standard streams; most repeat their log there."""
        return self.logs / f"{daemon}.out"

    def pid(self, daemon: str) -> Path:
        """Pid and start time of a daemon that we started."""
        return self.state / "run" / daemon


def free_ports(count: int) -> list[int]:
    """Ports on which nothing listens, below those that the system hands out to outgoing connections."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    candidates = range(10_000, first) if first > 11_000 else range(20_000, 60_000)
    ports: list[int] = []
    while len(ports) < count:
        port = random.SystemRandom().choice(candidates)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports
