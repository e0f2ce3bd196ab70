"""How a job starts: our code whatever lies around it, before the worker listens, and for jobs of earlier versions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.store import Store
from cluster.job import Job
from cluster.on_slurm import start
from cluster.on_slurm.exits import GO_ON, UNFIT
from cluster.on_slurm.queue_plan import Plan, cut
from tests.conftest import ROOT

EARLIER = (
    b"\x80\x05\x95\xbe\x00\x00\x00\x00\x00\x00\x00\x8c\x13submitit.core.utils\x94\x8c\x11DelayedSubmission\x94\x93\x94)\x81"
    b"\x94}\x94(\x8c\x08function\x94\x8c\x13cluster.slurm_entry\x94\x8c\x04work\x94\x93\x94\x8c\x04args\x94\x8c\tplan.json"
    b"\x94K\x03\x86\x94\x8c\x06kwargs\x94}\x94\x8c\x07_result\x94N\x8c\x05_done\x94\x89\x8c\x0c_timeout_min\x94K<"
    b"\x8c\x12_timeout_countdown\x94M\x10'ub."
)
"""What version 0.1.0 queued: `work("plan.json", 3)`."""
Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Of no trials, so that there is nothing to do."""
    store = Store.create(tmp_path / "store")
    found = Plan(
        path=store.root / "queued" / "plan.json", job=Job(store=store.root), trials=[], per_share=1,
        chunks=cut(1, 1, None),
    )  # fmt: skip
    found.save()
    return found


@pytest.fixture
def job(plan: Plan, tmp_path: Path) -> Begin:
    """Start the second element of a job as its batch script does."""

    def begin(path: Path = plan.path, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-u", "-P", start.__file__, str(path), "0"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "SLURM_ARRAY_TASK_ID": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return begin


def foreign(folder: Path) -> str:
    """Put somebody else's `bench` and `cluster` into a folder."""
    for name in ("bench", "cluster", "submitit"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise SystemExit('not ours')", encoding="utf-8")
    return str(folder)


def test_our_code_runs_whatever_lies_in_the_working_directory_or_on_the_path(job: Begin, tmp_path: Path) -> None:
    foreign(tmp_path)
    ended = job(PYTHONPATH=foreign(tmp_path / "site"))
    assert ended.communicate() == ("", None)
    assert ended.returncode == 0


def test_also_in_the_processes_that_a_worker_starts(tmp_path: Path) -> None:
    foreign(tmp_path)
    ask = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import cluster; print(cluster.__file__)'])"
    code = f"import runpy; start = runpy.run_path({start.__file__!r}); start['_import_ours'](); {ask}"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": foreign(tmp_path / "site")}
    command = [sys.executable, "-P", "-c", code]
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert said == f"{ROOT}/cluster/__init__.py\n"


def test_a_job_that_can_not_run_our_code_says_so(job: Begin, tmp_path: Path) -> None:
    (tmp_path / "bench.py").write_text("", encoding="utf-8")
    (tmp_path / "sitecustomize.py").write_text("import bench", encoding="utf-8")
    ended = job(PYTHONPATH=str(tmp_path))
    assert f"sambench: `bench` is {tmp_path}/bench.py, not that of {ROOT}" in ended.communicate()[0]
    assert ended.returncode == UNFIT


def test_a_plan_that_can_not_be_read_has_one_line(job: Begin, tmp_path: Path) -> None:
    ended = job(tmp_path / "none.json")
    assert ended.communicate()[0].startswith(f"sambench: {tmp_path}/none.json: no plan of queued jobs")
    assert ended.returncode == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGUSR2, GO_ON), (signal.SIGTERM, 0)])
def test_a_signal_before_the_worker_listens(job: Begin, plan: Plan, number: signal.Signals, code: int) -> None:
    plan.path.unlink()
    os.mkfifo(plan.path)
    starting = job()
    # It has come so far that it waits for its plan.
    with plan.path.open("wb"):
        time.sleep(0.2)
        starting.send_signal(number)
        starting.communicate(timeout=60)
    assert starting.returncode == code


def test_a_job_of_an_earlier_version_still_starts(plan: Plan, tmp_path: Path) -> None:
    pickle = tmp_path / "12_3" / "12_3_submitted.pkl"
    pickle.parent.mkdir()
    pickle.write_bytes(EARLIER)
    command = [sys.executable, "-m", "submitit.core._submit", str(tmp_path / "%j")]
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SUBMITIT_EXECUTOR": "slurm", "SLURM_JOB_ID": "15",
        "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3",
    }  # fmt: skip
    # The folder of this relative path is taken for the store.
    here = plan.path.rename(plan.job.store / "plan.json").parent
    for code in (0, 1):
        ended = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == code, ended.stderr
        (here / "plan.json").unlink(missing_ok=True)
    assert "sambench: plan.json: no plan of queued jobs" in ended.stderr
