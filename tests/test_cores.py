"""Cores: what the kernel says of them, and the one sentence when more are wanted than are free."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.cli import launching
from bench.cores import Cores, look, warning
from bench.resources import Resources
from cluster.job import Job


@pytest.mark.parametrize(
    ("threads", "processes", "cores", "told"),
    [
        (1, 2, Cores(allowed=2, quota=None, busy=0.3, machine=2), None),
        (
            2,
            1,
            Cores(allowed=2, quota=None, busy=1.2, machine=2),
            "2 cores wanted by 1 process of 2 threads, but 1 of 2",
        ),
        (
            2,
            8,
            Cores(allowed=16, quota=4.0, busy=0.0, machine=16),
            "by 8 processes of 2 threads, but 4 of 16 cores are free",
        ),
        (1, 2, Cores(allowed=2, quota=None, busy=9.0, machine=2), None),
        (1, 8, Cores(allowed=8, quota=2.5, busy=0.0, machine=8), "set resources: {max_parallel: 2}"),
        (4, 1, Cores(allowed=4, quota=None, busy=40.0, machine=64), None),
    ],
)
def test_a_sentence_if_more_is_wanted_than_is_free(
    threads: int, processes: int, cores: Cores, told: str | None
) -> None:
    said = warning(threads, processes, cores)
    assert said is None if told is None else told in str(said)


@pytest.mark.parametrize(
    ("cgroup", "files", "quota"),
    [
        ("0::/", {"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a/b", {"sys/fs/cgroup/a/b/cpu.max": "max 100000\n", "sys/fs/cgroup/a/cpu.max": "50000 100000\n"}, 0.5),
        ("0::/", {"sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        (
            "3:cpu,cpuacct:/a\n2:memory:/b",
            {"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "200000\n", "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n"},
            2.0,
        ),
        ("", {}, None),
    ],
)
def test_what_the_kernel_says(tmp_path: Path, cgroup: str, files: dict[str, str], quota: float | None) -> None:
    for name, text in ({"proc/loadavg": "1.50 2.0 3.0 4/500 77\n", "proc/self/cgroup": cgroup} | files).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="ascii")
    found = look(tmp_path)
    assert (found.quota, found.busy) == (quota, 1.5)
    assert found.allowed == len(os.sched_getaffinity(0))


def test_what_has_just_ended_is_not_busy(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "loadavg").write_text("2.00 2.0 3.0 1/500 77\n", encoding="ascii")
    assert look(tmp_path).busy == 0


@pytest.mark.skipif(Path("/dev/nvidia0").exists(), reason="trials run on the GPU")
@pytest.mark.parametrize(
    ("launcher", "resources", "trials", "wanted"),
    [
        ("inline", Resources(cpus=2), 9, "2 cores wanted by 1 process of 2 threads"),
        ("ray", Resources(cpus=2), 9, "4 cores wanted by 2 processes of 2 threads"),
        ("ray", Resources(cpus=2, processes=2), 9, "4 cores wanted by 2 processes of 2 threads"),
        ("ray", Resources(cpus=2), 1, "2 cores wanted by 1 process of 2 threads"),
        ("ray", Resources(cpus=2, max_parallel=1), 3, "2 cores wanted by 1 process of 2 threads"),
        ("ray", Resources(), 3, None),
        ("slurm", Resources(cpus=64), 9, None),
    ],
)
def test_what_a_run_is_told(
    monkeypatch: pytest.MonkeyPatch, launcher: str, resources: Resources, trials: int, wanted: str | None
) -> None:
    monkeypatch.setattr(launching, "look", lambda: Cores(allowed=4, quota=None, busy=3.0, machine=4))
    said = launching._crowding(Job(store=Path("store"), launcher=launcher, resources=resources), trials)
    assert said is None if wanted is None else str(said).startswith(wanted)
