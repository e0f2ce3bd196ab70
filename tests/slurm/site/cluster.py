"""A real SLURM cluster on one machine, for the tests and to try SLURM at home.

    python -m tests.slurm.site.cluster up        # then paste the line that it prints
    python -m tests.slurm.site.cluster status
    python -m tests.slurm.site.cluster down

It needs the programs of Debian's packages slurm-wlm, slurmdbd, mariadb-server and munge, but none of their services.
All daemons run as the current user, who need not be root and is the only one who can use it; they listen on loopback or
on sockets only, and keep everything in one state folder.

Partitions are `main` (the default) and `high`, whose jobs preempt those in `main`. The user's account is `lab`; the QOS
`small` takes at most 10 jobs of a user. Jobs are accounted, so that sacct answers.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from tests.slurm.site.client import Client
from tests.slurm.site.configuration import accounting, write_files
from tests.slurm.site.daemons import Daemon, all_daemons, install_database, kill_jobs, missing_programs
from tests.slurm.site.layout import Layout, Settings
from tests.slurm.site.processes import eventually

STATE = Path("/tmp/sambench-slurm")
PACKAGES = "slurm-wlm, slurmdbd, mariadb-server, munge"


class Cluster(Client):
    """A cluster in a state folder; several objects, also in several processes, may stand for the same one."""

    def __init__(self, state: Path, **settings: int) -> None:
        """Settings are those of `Settings`; they count when the cluster is brought up."""
        super().__init__(Layout(state.absolute()))
        self.wanted = Settings(**settings)

    def __enter__(self) -> Cluster:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    @property
    def daemons(self) -> dict[str, Daemon]:
        """By name, in the order in which they start; empty when the cluster was never brought up."""
        try:
            saved = json.loads(self.layout.settings.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return {d.name: d for d in all_daemons(self.layout, Settings(**saved["settings"]), saved["ports"])}

    @property
    def running(self) -> bool:
        """Whether all daemons are."""
        daemons = self.daemons
        return bool(daemons) and all(daemon.alive for daemon in daemons.values())

    def up(self) -> bool:
        """Bring the cluster up, after clearing what a crash left; False when it runs already."""
        if self.running:
            self.refuse_other_settings()
            return False
        if missing := missing_programs():
            raise FileNotFoundError(f"not installed: {', '.join(missing)}; Debian has them in {PACKAGES}")
        self.down()
        write_files(self.layout, self.wanted)
        try:
            self.start_all()
        except BaseException:
            self.down()
            raise
        return True

    def refuse_other_settings(self) -> None:
        saved = json.loads(self.layout.settings.read_text(encoding="utf-8"))["settings"]
        if saved != asdict(self.wanted):
            raise ValueError(f"the cluster in {self.layout.state} runs with {saved}, not {asdict(self.wanted)}")

    def start_all(self) -> None:
        install_database(self.layout)
        for daemon in self.daemons.values():
            daemon.start()
            if daemon.name == "slurmdbd":
                # slurmctld refuses to start on a cluster that accounting doesn't know.
                for arguments in accounting():
                    self.run("sacctmgr", "--immediate", *arguments)
        self.wait_until_nodes_answer()

    def down(self) -> bool:
        """End all daemons and jobs and remove the state folder; False when there is nothing of a cluster."""
        daemons = self.daemons
        if not daemons:
            return False
        for daemon in reversed(daemons.values()):
            if daemon.name == "slurmdbd":
                kill_jobs(self.layout)
            daemon.stop()
        shutil.rmtree(self.layout.state)
        return True

    def daemon(self, name: str, node: str | None = None) -> Daemon:
        """One daemon, as in `daemon("slurmctld")` and `daemon("slurmd", "n1")`."""
        full = f"{name}-{node}" if node else name
        if full not in self.daemons:
            raise ValueError(
                f"no daemon {full!r} in {self.layout.state}; there are {', '.join(self.daemons) or 'none'}"
            )
        return self.daemons[full]

    def kill_daemon(self, name: str, *, node: str | None = None) -> None:
        """End a daemon by SIGKILL."""
        self.daemon(name, node).kill()

    def start_daemon(self, name: str, *, node: str | None = None) -> None:
        """Start a daemon again that was killed; slurmctld takes up its jobs."""
        self.daemon(name, node).start()
        if self.daemon("slurmctld").alive:
            self.wait_until_nodes_answer()

    def wait_until_nodes_answer(self) -> None:
        """Wait until slurmctld can use every node whose slurmd runs."""
        live = [daemon.name.removeprefix("slurmd-") for daemon in self.daemons.values() if daemon.alive]

        def answering() -> bool:
            states = {node: state for node, state in self.sinfo().items() if node in live}
            return all(state.isalpha() and state not in ("unknown", "down") for state in states.values())

        if not eventually(answering, 60):
            raise TimeoutError(f"a node doesn't answer slurmctld: {self.sinfo()}")


def up(cluster: Cluster) -> str:
    """Bring it up."""
    started = cluster.up()
    lines = ["the cluster is up" if started else "the cluster is up already", "paste this line to use it:"]
    return "\n".join([*lines, *(f"export {name}={shlex.quote(value)}" for name, value in cluster.environment.items())])


def down(cluster: Cluster) -> str:
    """Stop it and remove its files."""
    return "the cluster is down" if cluster.down() else f"there is no cluster in {cluster.layout.state}"


def status(cluster: Cluster) -> str:
    """Say which daemons run, and how the nodes are."""
    lines = [f"{daemon.name:<12}{'runs' if daemon.alive else 'has ended'}" for daemon in cluster.daemons.values()]
    nodes = [f"{node:<12}{state}" for node, state in cluster.sinfo().items()] if cluster.running else []
    return "\n".join(lines + nodes) or f"there is no cluster in {cluster.layout.state}"


ACTIONS: Mapping[str, Callable[[Cluster], str]] = {"up": up, "down": down, "status": status}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.slurm.site.cluster", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("--state", type=Path, default=STATE, help="state folder (default: %(default)s)")
    for name, default in asdict(Settings()).items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=int, default=default, help="for up (default: %(default)s)"
        )
    arguments = vars(parser.parse_args())
    action, state = arguments.pop("action"), arguments.pop("state")
    try:
        print(ACTIONS[action](Cluster(state, **arguments)))
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
