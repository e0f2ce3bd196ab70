"""Resources and retries: how they are written, and what they stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.resources import Resources, Retries, minutes
from bench.sweep import SpecError, load

HEAD = 'title: "Test"\nrecipe: digits-resnet\ngrid: {model: resnet8, seed: 1}\n'


@pytest.mark.parametrize(("text", "expected"), [("90m", 90), ("8h", 480), ("2d", 2880), ("1d12h30m", 2190)])
def test_times(text: str, expected: int) -> None:
    assert minutes(text) == expected


@pytest.mark.parametrize("text", ["", "8", "8 h", "h", "0m", "8:00", "1h30"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"a time is"):
        minutes(text)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("resources: {time: soon}", "4:19: resources.time: a time is written as 90m, 8h, 2d or 1d12h"),
        ("resources: {nodes: 0}", "4:20: resources.nodes: input should be greater than or equal to 1"),
        ("resources: {gpus: some}", "resources.gpus"),
        ("retries: {crash: 1}", "4:11: retries.crash: unknown key 'crash'; did you mean crashed; valid: crashed"),
        ("retries: {oom: -1}", "4:16: retries.oom: input should be greater than or equal to 0"),
    ],
)
def test_faults_have_their_place(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(f"{HEAD}{line}\n", encoding="utf-8")
    with pytest.raises(SpecError) as told:
        load(file)
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("outcome", "times", "allowed"),
    [
        ("crashed", 2, True),
        ("crashed", 3, False),
        ("oom", 1, False),
        ("error", 1, False),
        ("diverged", 1, False),
        ("lost", 10, True),
        ("preempted", 500, True),
        ("timeout", 500, True),
        ("done", 1, False),
    ],
)
def test_retries_by_default(outcome: str, times: int, allowed: bool) -> None:
    assert Retries().allow(outcome, times) is allowed


def test_retries_as_written() -> None:
    patient = Retries(oom=1, error=2, crashed=0)
    assert patient.allow("oom", 1)
    assert not patient.allow("oom", 2)
    assert not patient.allow("crashed", 1)


@pytest.mark.parametrize(("written", "gpus", "expected"), [(None, 0, 1), (None, 4, 4), (2, 0, 2)])
def test_processes(written: int | None, gpus: int, expected: int) -> None:
    assert Resources(processes=written).processes_per_node(gpus) == expected
