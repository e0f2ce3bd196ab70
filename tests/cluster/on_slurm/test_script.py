"""The batch script: its text, and what a shell makes of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.resources import Resources
from bench.store import Store
from cluster.job import Job, Todo
from cluster.on_slurm import start
from cluster.on_slurm.launcher import SlurmLauncher
from cluster.on_slurm.queue_plan import Plan
from cluster.on_slurm.script import batch_script, quoted
from cluster.profile import Profile

GOLDEN = """#!/bin/bash

# Parameters
#SBATCH --account=lab
#SBATCH --array=0-1%2
#SBATCH --constraint=a100
#SBATCH --cpus-per-task=8
#SBATCH --exclude=bad1
#SBATCH --gpus-per-node=a100:2
#SBATCH --job-name=NAME
#SBATCH --mem=64G
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --open-mode=append
#SBATCH --output=/dev/null
#SBATCH --partition=gpu
#SBATCH --qos=long
#SBATCH --requeue
#SBATCH --signal=USR2@120
#SBATCH --time=480
#SBATCH --wckey=submitit

# setup
trap : USR2
"""
AFTER = """
module load cuda
status=0

# command
export SUBMITIT_EXECUTOR=slurm
srun OPTIONS "$sambench_python" -u -P "$sambench_start" "$sambench_plan" 0 || status=$?


# teardown
again() {
  echo "$status" >> "$SAMBENCH_FRUITLESS" || exit "$status"
  if [ "$(wc -l < "$SAMBENCH_FRUITLESS")" -lt "$1" ]; then
    scontrol requeue "$sambench_element"
  else
    sambench_say "given up: $1 workers in a row ended before they began a trial, the last with exit code $status"
  fi
}
case "$status" in
  0|78|79) ;;
  75) again 20 ;;
  *) again 3 ;;
esac
exit "$status"
"""
TWO = Todo(trials={"0" * 16: 0, "1" * 16: 0})
ODD = 'it\'s $HOME `id` "%j" %A\\x \n\r ü#'
"""A folder's name in which every character has a meaning for somebody."""
SPY = """#!/bin/bash
printf '%s\\0' "$(basename "$0")" "$@" $'\\n' >> "$SPY"
[ "$(basename "$0")" != srun ] || eval "$SRUN"
"""
"""Stands for srun and scontrol: writes its arguments down."""


def test_its_text_also_where_there_is_no_slurm(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    profile = Profile(
        partition="gpu", account="lab", qos="long", constraint="a100", gpu_type="a100", memory=64, signal_seconds=120,
        setup=["module load cuda"], options={"exclude": "bad1", "exclusive": False},
    )  # fmt: skip
    job = Job(
        store=store.root,
        resources=Resources(gpus=2, cpus=4, time="8h"),
        sweep="table1",
        profile=profile,
    )
    text = re.sub(r"sambench-table1-\w+\.0", "NAME", SlurmLauncher().text(job, TWO))
    assert text.startswith(GOLDEN)
    after = AFTER.replace("OPTIONS", "--unbuffered --export=ALL --cpus-per-task=8")
    assert text.endswith(after)
    between = text[len(GOLDEN) : -len(after) + 1]
    assert "export OMP_NUM_THREADS=4\n" in between
    assert "export SAMBENCH_GPUS=2\n" in between
    assert re.search(rf"^sambench_plan={store.root}/queued/table1-\d+-\w+\.json$", between, flags=re.MULTILINE)


def test_a_job_has_time_before_it_is_told_to_stop(store: Store) -> None:
    job = Job(store=store.root, resources=Resources(time="1m"))
    assert "#SBATCH --signal=USR2@30\n" in SlurmLauncher().text(job, TWO)


@pytest.mark.parametrize("text", ["plain/1.2", "a b", "$HOME", "it's", "\\", "\n", "\r\n", "ü", "\udcff", "`id`", ODD])
def test_a_shell_reads_what_was_quoted(text: str) -> None:
    said = subprocess.run(["bash", "-c", f"printf %s {quoted(text)}"], capture_output=True, check=True).stdout
    assert said == os.fsencode(text)
    assert quoted(text).isascii()
    assert "\n" not in quoted(text)


@dataclass
class Element:
    """The second element of an array, whose batch script runs in a shell here."""

    plan: Plan
    script: Path
    spy: Path

    def run(self, srun: str = "true", setup: str = "") -> subprocess.CompletedProcess[bytes]:
        """The whole script, with a worker of ours."""
        text = self.script.read_text(encoding="utf-8").replace("\nstatus=0\n", f"\n{setup}\nstatus=0\n")
        environment = {
            "PATH": f"{self.spy.parent}:{os.environ['PATH']}", "SPY": str(self.spy), "SRUN": srun,
            "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "1", "SLURM_JOB_ID": "12",
        }  # fmt: skip
        return subprocess.run(["bash", "-c", text], env=environment, capture_output=True, check=False)

    def calls(self, program: str) -> list[list[str]]:
        """Arguments of the calls so far."""
        calls = self.spy.read_bytes().decode().split("\0\n\0")[:-1] if self.spy.exists() else []
        return [call.split("\0")[1:] for call in calls if call.split("\0")[0] == program]

    @property
    def log(self) -> str:
        return self.plan.log("12_1").read_text(encoding="utf-8")


@pytest.fixture
def job(tmp_path: Path) -> Element:
    store = Store.create(tmp_path / ODD / "store")
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name in ("srun", "scontrol"):
        (bin_ / name).write_text(SPY, encoding="utf-8")
        (bin_ / name).chmod(0o755)
    plan = SlurmLauncher().plan(Job(store=store.root, sweep=ODD), TWO, 10)
    plan.save()
    plan.folder.mkdir()
    script = tmp_path / "script"
    script.write_text(batch_script(plan, plan.chunks[0], ""), encoding="utf-8")
    return Element(plan, script, bin_ / "spy")


def test_the_worker_gets_the_plan_whatever_its_path(job: Element) -> None:
    ended = job.run("echo it works")
    assert ended.returncode == 0, ended.stderr
    (arguments,) = job.calls("srun")
    assert arguments[-6:-1] == [sys.executable, "-u", "-P", start.__file__, str(job.plan.path)]
    assert job.log == "it works\n"
    assert not job.calls("scontrol")
    assert (ended.stdout, ended.stderr) == (b"", b"")


@pytest.mark.parametrize(
    ("worker", "tries"),
    [("exit 0", 0), ("exit 78", 0), ("exit 79", 0), ("exit 1", 2), ("kill -9 $$", 2), ("exit 75", 19)],
)
def test_a_worker_that_never_begins_a_trial_is_given_up(job: Element, worker: str, tries: int) -> None:
    for _ in range(tries + 1):
        job.run(worker)
    again = [["requeue", "12_1"]] * tries
    assert job.calls("scontrol")[:tries] == again, "the element, not its array"
    rest = job.calls("scontrol")[tries:]
    if tries:
        assert [call[:2] for call in rest] == [["update", "JobId=12_1"]]
        assert re.search(rf"^sambench: given up: {tries + 1} workers in a row ended before", job.log, re.MULTILINE)
    else:
        assert not rest


def test_a_worker_that_dies_after_it_began_one_is_tried_on(job: Element) -> None:
    for _ in range(5):
        job.run('rm -f "$SAMBENCH_FRUITLESS"; exit 1')
    assert job.calls("scontrol") == [["requeue", "12_1"]] * 5


def test_lines_of_the_profile_can_neither_end_nor_change_it(job: Element) -> None:
    job.run("exit 1", setup="set -eu; python=wrong; plan=wrong; log=wrong; element=wrong")
    assert job.calls("srun")[0][-2] == str(job.plan.path)
    assert job.calls("scontrol") == [["requeue", "12_1"]]


@pytest.mark.parametrize(("gone", "message"), [("plan", "the store must lie on"), ("log", "is not writable on")])
def test_a_node_that_can_not_work_says_so(job: Element, gone: str, message: str) -> None:
    if gone == "plan":
        job.plan.path.unlink()
    else:
        job.plan.folder.rmdir()
    ended = job.run()
    assert ended.returncode == 78
    assert message in ended.stdout.decode()
    ((update, element, comment),) = job.calls("scontrol")
    assert (update, element) == ("update", "JobId=12_1")
    assert message in comment
    assert not job.calls("srun")
