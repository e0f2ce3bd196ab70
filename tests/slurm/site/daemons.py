"""The daemons of a cluster: what starts each, when it is ready, and how it ends."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.slurm.site.layout import Layout, Settings
from tests.slurm.site.processes import Process, eventually, with_environment, with_open_file

# Daemons lie in sbin, which isn't in the PATH of ordinary users.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
PROGRAMS = (
    "munged",
    "munge",
    "mariadb-install-db",
    "mariadbd",
    "slurmdbd",
    "slurmctld",
    "slurmd",
    "sacctmgr",
    "sbatch",
)


def missing_programs() -> list[str]:
    """What must be installed before a cluster can be brought up."""
    return [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """One daemon of one cluster."""

    layout: Layout
    name: str
    command: list[str]
    ready: Callable[[], bool]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def process(self) -> Process | None:
        """The process that was started last, whether it lives or not; None if there was none."""
        try:
            pid, started = self.layout.pid(self.name).read_text(encoding="ascii").split()
        except FileNotFoundError:
            return None
        return Process(int(pid), int(started))

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        assert not self.alive, f"{self.name} is running"
        # Nothing of an outer SLURM job may reach the daemons, nor the jobs through them.
        environment = {"PATH": PATH, "LANG": "C.UTF-8", "SLURM_CONF": str(self.layout.slurm), **self.environment}
        command = [str(shutil.which(self.command[0], path=PATH)), *self.command[1:]]
        process = Process.launch(
            command, folder=self.layout.state, log=self.layout.output(self.name), environment=environment
        )
        self.layout.pid(self.name).write_text(f"{process.pid} {process.started}", encoding="ascii")
        if not eventually(lambda: self.ready() or not process.alive, 60) or not process.alive:
            raise RuntimeError(f"{self.name} {'is not ready' if process.alive else 'ended'}: {self.log_tail()}")

    def stop(self) -> None:
        """End the daemon, if it runs."""
        if self.process:
            self.process.stop()

    def kill(self) -> None:
        """End the daemon without a chance to save anything."""
        if not self.alive or self.process is None:
            raise RuntimeError(f"{self.name} is not running")
        self.process.kill(signal.SIGKILL)
        process = self.process
        eventually(lambda: not process.alive, 5)

    def log_tail(self) -> str:
        """The end of what it wrote, for messages."""
        text = self.layout.output(self.name).read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-20:])


def all_daemons(layout: Layout, settings: Settings, ports: list[int]) -> list[Daemon]:
    """In the order in which they start."""
    common = [
        munged(layout),
        mariadbd(layout),
        Daemon(
            layout=layout,
            name="slurmdbd",
            command=["slurmdbd", "-D"],
            environment={"MYSQL_UNIX_PORT": str(layout.sql)},
            ready=lambda: listens(ports[1]),
        ),
        Daemon(layout=layout, name="slurmctld", command=["slurmctld", "-D"], ready=lambda: listens(ports[0])),
    ]
    return common + [slurmd(layout, node, port) for node, port in zip(settings.names, ports[2:], strict=True)]


def munged(layout: Layout) -> Daemon:
    # Only this user's processes need the socket, so that its folder may be closed to others; --force accepts that.
    options = ["--foreground", "--force", f"--key-file={layout.key}", f"--socket={layout.munge}"]
    options += [f"--{file}-file={layout.state}/munge.{file}" for file in ("pid", "log", "seed")]

    def ready() -> bool:
        test = ["munge", "--no-input", f"--socket={layout.munge}"]
        return layout.munge.exists() and not subprocess.run(test, capture_output=True, check=False).returncode

    return Daemon(layout=layout, name="munged", command=["munged", *options], ready=ready)


def mariadbd(layout: Layout) -> Daemon:
    """No TCP port: slurmdbd uses the socket, which lets in only this user and needs no password."""
    options = [*database_options(layout), f"--socket={layout.sql}", f"--pid-file={layout.state}/mariadb.pid"]
    options += ["--skip-networking", "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0"]
    return Daemon(layout=layout, name="mariadbd", command=["mariadbd", *options], ready=lambda: accepts(layout.sql))


def install_database(layout: Layout) -> None:
    """Make an empty database server's folder, with this user as the one who may do everything."""
    options = ["--skip-test-db", "--auth-root-authentication-method=socket"]
    options += [f"--auth-root-socket-user={getpass.getuser()}"]
    with layout.output("mariadb-install-db").open("wb") as log:
        command = ["mariadb-install-db", *database_options(layout), *options]
        subprocess.run(command, stdout=log, stderr=log, env={"PATH": PATH}, check=True)


def database_options(layout: Layout) -> list[str]:
    return ["--no-defaults", f"--user={getpass.getuser()}", f"--datadir={layout.database}", "--innodb-log-file-size=8M"]


def slurmd(layout: Layout, node: str, port: int) -> Daemon:
    command = ["slurmd", "-D", "-N", node]
    return Daemon(layout=layout, name=f"slurmd-{node}", command=command, ready=lambda: listens(port))


def kill_jobs(layout: Layout) -> None:
    """Kill what runs on the nodes: nobody else can, once slurmd and slurmctld have ended."""
    # A slurmstepd never ends without slurmctld. Its title overwrites its environment, but it has slurmd's log open.
    for process in with_open_file(layout.logs, name="slurmstepd"):
        process.kill(signal.SIGKILL)
    # A shell in which the user exported SLURM_CONF has no SLURMD_NODENAME, unlike every process of a job.
    for process in with_environment(f"SLURM_CONF={layout.slurm}", "SLURMD_NODENAME="):
        process.kill(signal.SIGKILL)


def listens(port: int) -> bool:
    """Whether a daemon listens on loopback; SLURM would log a connection without a message as an error."""
    return any(
        line.split()[1] == f"0100007F:{port:04X}" and line.split()[3] == "0A"
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    )


def accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return not probe.connect_ex(str(path))
