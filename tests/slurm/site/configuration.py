"""What SLURM is told about a cluster: the files, and accounting as commands."""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
from dataclasses import asdict

from tests.slurm.site.layout import Layout, Settings, free_ports

CLUSTER = "sambench"
ACCOUNT = "lab"
QOS = "small"
QOS_SUBMIT_LIMIT = 10
DATABASE = "slurm_acct_db"


def write_files(layout: Layout, settings: Settings) -> None:
    """Everything in the state folder that must be there before the daemons."""
    # A socket's path has at most 107 characters; the longest are like spool/n10/n10_123456.4294967291.
    if len(str(layout.state)) > 75:
        raise ValueError(f"the path of the state folder is too long, {len(str(layout.state))} > 75: {layout.state}")
    if layout.state.exists() and any(layout.state.iterdir()):
        raise FileExistsError(f"{layout.state} has files that are not a cluster's")
    layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    ports = free_ports(2 + settings.nodes)
    layout.settings.write_text(json.dumps({"settings": asdict(settings), "ports": ports}), encoding="utf-8")
    for folder in (layout.logs, layout.pid("slurmctld").parent, layout.controller, *map(layout.spool, settings.names)):
        folder.mkdir(parents=True)
    layout.key.write_bytes(secrets.token_bytes(128))
    layout.slurm.write_text(slurm_conf(layout, settings, ports), encoding="utf-8")
    layout.slurmdbd.write_text(slurmdbd_conf(layout, ports), encoding="utf-8")
    for secret in (layout.key, layout.slurmdbd):
        secret.chmod(0o600)


def slurm_conf(layout: Layout, settings: Settings, ports: list[int]) -> str:
    """slurm.conf; ports are those of slurmctld, slurmdbd and the nodes in turn."""
    host = socket.gethostname().split(".")[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    nodes = "\n".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={settings.cpus} RealMemory={memory}"
        for name, port in zip(settings.names, ports[2:], strict=True)
    )
    return f"""\
ClusterName={CLUSTER}
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
MailProg=/bin/true
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
# Read as the socket of munged for this connection, which AuthInfo does not reach.
AccountingStoragePass={layout.munge}
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
KillWait={settings.kill_wait}
# How soon commands and slurmctld take a daemon that doesn't answer for dead.
MessageTimeout=5
InactiveLimit=0
OverTimeLimit=0
SlurmdTimeout=10
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


def accounting() -> list[list[str]]:
    """Arguments of sacctmgr: an account and a QOS with a limit for the user, whose default account it is."""
    user = getpass.getuser()
    return [
        ["add", "cluster", CLUSTER],
        ["add", "account", ACCOUNT, f"Cluster={CLUSTER}"],
        ["add", "qos", QOS, f"MaxSubmitJobsPerUser={QOS_SUBMIT_LIMIT}"],
        ["add", "user", user, f"Account={ACCOUNT}", f"DefaultAccount={ACCOUNT}", f"QOS=normal,{QOS}"],
    ]
