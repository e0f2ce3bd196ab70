"""What is read from SLURM's commands, whatever a site and a shell add to them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.on_slurm import commands
from cluster.on_slurm.commands import Queued, SlurmError

Says = Callable[..., None]


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Says:
    """Let a command print something."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def make(command: str, out: str = "", err: str = "", code: int = 0) -> None:
        (tmp_path / f"{command}.out").write_bytes(out.encode("utf-8", "surrogateescape"))
        (tmp_path / f"{command}.err").write_text(err, encoding="utf-8")
        script = f"#!/bin/sh\nenv > {tmp_path}/env\ncat {tmp_path}/{command}.out\ncat {tmp_path}/{command}.err >&2\n"
        (tmp_path / command).write_text(f"{script}exit {code}\n", encoding="utf-8")
        (tmp_path / command).chmod(0o755)

    return make


@pytest.mark.parametrize(
    "said",
    [
        "12",
        "12;other_cluster",
        "Welcome to job 2024!\nYour account has 7 hours\n12\n",
        "12\n---\nplease cite us\n",
        "\x1b[1mNews\x1b[0m 1\n  12  \n\udcff\n",
    ],
)
def test_the_number_of_a_job_between_other_lines(says: Says, said: str) -> None:
    says("sbatch", said, "sbatch: your project will expire soon 13")
    assert commands.submit(Path("script"), "name") == "12"


@pytest.mark.parametrize("said", ["", "Submitted batch job 12", "2024\n12\n"])
def test_a_number_that_is_not_clear_is_looked_up_by_the_name(says: Says, said: str) -> None:
    says("sbatch", said)
    says("squeue", "12|0|PENDING||mine\n12|1|PENDING||mine\n2024|N/A|RUNNING|n1|other\n")
    assert commands.submit(Path("script"), "mine") == "12"
    says("squeue")
    with pytest.raises(SlurmError, match="sbatch: no number of a job in its answer") as told:
        commands.submit(Path("script"), "mine")
    assert said in str(told.value).replace("\n  ", "\n") + "\n"


def test_every_line_of_a_refusal(says: Says) -> None:
    says("sbatch", "see https://site/limits\n", "sbatch: error: no GPUs\nsbatch: error: \x1b[31mnot submitted\n", 1)
    with pytest.raises(SlurmError) as told:
        commands.submit(Path("script"), "name")
    assert str(told.value) == "sbatch: error: no GPUs\n  error: [31mnot submitted\n  see https://site/limits"


def test_lines_of_the_queue_that_do_not_fit(says: Says) -> None:
    says("squeue", "Maintenance on 1|2|3\n\n12|0|RUNNING|n1|a|b\n12|1|PENDING||\n13|N/A|PENDING||\udcff\nx|y|z|u|v\n")
    assert commands.queue() == {
        "12_0": Queued("running", "n1", "a|b"),
        "12_1": Queued("pending", "", ""),
        "13": Queued("pending", "", "\ufffd"),
    }


def test_lines_of_accounting_that_do_not_fit(says: Says) -> None:
    says("sacct", "News|1|2\n\n12_0|FAILED|1:0\n12_1|CANCELLED by 0|0:15\n12_2|NODE_FAIL|0:0\n12|FAILED\n")
    assert commands.ended_badly("12") == {"12_0": "failed, exit 1:0", "12_2": "node_fail, exit 0:0"}


@pytest.mark.parametrize(
    ("queue", "accounting", "known"),
    [("12", "", True), ("", "12_0\n12_0.batch", True), ("121\nhello 12", "Welcome\n2012", False), ("", "", False)],
)
def test_whether_a_job_is_known(says: Says, queue: str, accounting: str, known: bool) -> None:
    says("squeue", queue)
    says("sacct", accounting)
    assert commands.is_known("12") == known
    says("sacct", err="slurmdbd is away", code=1)
    assert commands.is_known("12"), "it may be"


def test_the_shell_of_the_user_changes_nothing(says: Says, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {"SLURM_CONF": "/etc/slurm.conf", "SLURM_JWT": "secret", "MODULEPATH": "/modules"}
    theirs = {
        "SQUEUE_FORMAT": "%i", "SBATCH_ARRAY_INX": "0-9", "SACCT_FORMAT": "User", "SLURM_CLUSTERS": "other",
        "SLURM_JOB_ID": "7", "SLURM_MEM_PER_CPU": "1", "SRUN_DEBUG": "3", "SCANCEL_INTERACTIVE": "1",
        "SLURMD_NODENAME": "n1",
    }  # fmt: skip
    for name, value in (ours | theirs).items():
        monkeypatch.setenv(name, value)
    says("squeue")
    commands.queue()
    seen = dict(line.partition("=")[::2] for line in (tmp_path / "env").read_text(encoding="utf-8").splitlines())
    assert {name: value for name, value in seen.items() if name in ours | theirs} == ours
