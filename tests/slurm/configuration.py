"""The files of a cluster: where they lie, and what SLURM is told in them."""

from __future__ import annotations

import getpass
import os
import random
import socket
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "lab"
QOS = "small"
QOS_SUBMIT_LIMIT = 10
DATABASE = "slurm_acct_db"


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
    """Seconds between the signal to a preempted job and its end."""
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

    def log(self, daemon: str) -> Path:
        return self.state / "log" / f"{daemon}.log"

    def pid(self, daemon: str) -> Path:
        """Pid and start time of a daemon that we started."""
        return self.state / "run" / daemon


def free_ports(count: int) -> list[int]:
    """Ports on which nothing listens, below those that the system hands out to outgoing connections."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    candidates = range(10_000, first) if first > 11_000 else range(20_000, 60_000)
    ports: list[int] = []
    for port in random.SystemRandom().sample(candidates, k=1000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                ports.append(port)
        if len(ports) == count:
            return ports
    raise OSError(f"found {len(ports)} free ports on 127.0.0.1, need {count}")


def slurm_conf(layout: Layout, settings: Settings, ports: list[int]) -> str:
    """slurm.conf; ports are those of slurmctld, slurmdbd and the nodes in turn."""
    host = socket.gethostname().split(".")[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    nodes = "\n".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={settings.cpus} RealMemory={memory}"
        for name, port in zip(settings.names, ports[2:], strict=True)
    )
    return f"""\
ClusterName=sambench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={getpass.getuser()}
SlurmdUser={getpass.getuser()}
AuthType=auth/munge
# cred_expire is also how long a requeued job waits before it starts again.
AuthInfo=socket={layout.munge},cred_expire={settings.requeue_delay}
# Bind to NodeAddr and to the controller's address, not to all interfaces.
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={layout.controller}
SlurmdSpoolDir={layout.state}/spool/%n
SlurmctldPidFile={layout.controller}/pid
SlurmdPidFile={layout.state}/spool/%n/pid
SlurmctldLogFile={layout.log("slurmctld")}
SlurmdLogFile={layout.state}/log/slurmd-%n.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# Nodes may claim more CPUs than the machine has.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={ports[1]}
# Unknown accounts and more jobs than a QOS allows are refused at submission.
AccountingStorageEnforce=associations,limits,qos
MaxArraySize={settings.max_array}
PriorityType=priority/basic
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
# Send a preempted job its --signal, not just SIGTERM.
SlurmctldParameters=preempt_send_user_signal
JobRequeue=1
MinJobAge=300
KillWait=10
InactiveLimit=0
OverTimeLimit=0
SlurmdTimeout=20
ReturnToService=2
{nodes}
PartitionName=main Nodes=ALL Default=YES PriorityTier=1 MaxTime=INFINITE DefaultTime=60 GraceTime={settings.grace}
PartitionName=high Nodes=ALL PriorityTier=10 MaxTime=INFINITE DefaultTime=60 PreemptMode=OFF
"""


def slurmdbd_conf(layout: Layout, ports: list[int]) -> str:
    """slurmdbd.conf. With StorageHost=localhost the socket is used, where MariaDB knows the user without a password."""
    return f"""\
AuthType=auth/munge
AuthInfo=socket={layout.munge}
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={ports[1]}
CommunicationParameters=NoInAddrAny
SlurmUser={getpass.getuser()}
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser={getpass.getuser()}
StorageLoc={DATABASE}
PidFile={layout.state}/run/slurmdbd.pid
LogFile={layout.log("slurmdbd")}
"""
