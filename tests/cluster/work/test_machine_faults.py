"""The machine's faults are no results: whoever meets one stops and says so, and a plain run finishes later."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.on_slurm.exits import DONE, FAULT
from tests.cluster.small_disk import on_small_disk


@pytest.mark.share(1, of="faults of the machine")
@pytest.mark.slow
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_worker_without_a_byte_left_is_interrupted_and_goes_on_later(tmp_path: Path, processes: str) -> None:
    found = on_small_disk(tmp_path / "disk", "8m", "full_amid", processes)
    assert found["fault"]
    assert (found["between"], found["again"]) == ("missing", "done")
    first, second = found["attempts"]
    assert (first["outcome"], second["outcome"]) == ("preempted", "done")
    assert second["first_epoch"] >= 1


@pytest.mark.share(1, of="faults of the machine")
@pytest.mark.slow
def test_so_is_one_within_a_job_of_slurm_which_is_tried_again(tmp_path: Path) -> None:
    found = on_small_disk(tmp_path / "disk", "8m", "slurm")
    assert (found["first"], found["between"], found["again"]) == (FAULT, "missing", DONE)
    assert [attempt["outcome"] for attempt in found["attempts"]] == ["preempted", "done"]


@pytest.mark.share(1, of="faults of the machine")
@pytest.mark.slow
def test_a_measure_without_a_byte_left_is_taken_later(tmp_path: Path) -> None:
    found = on_small_disk(tmp_path / "disk", "8m", "measuring")
    assert len(found["faults"]) == 2
    assert all("No space left on device" in fault for fault in found["faults"])
    assert found["outcomes"] == ["taken"]
    assert found["left"] == []


@pytest.mark.share(1, of="faults of the machine")
@pytest.mark.slow
@pytest.mark.parametrize("on", ["inline", pytest.param("ray", marks=pytest.mark.share(0))])
def test_a_driver_on_a_full_disk_stops_with_one_sentence(tmp_path: Path, on: str) -> None:
    found = on_small_disk(tmp_path / "disk", "400k", "driver", on)
    assert found["first"] == 2, found["said"]
    assert "stopped by a fault of the machine: " in found["said"]
    assert "No space left on device; nothing is lost; when that is fixed, resume with:" in found["said"]
    assert "Traceback" not in found["said"]
    assert found["second"] == 0
    assert set(found["outcomes"]) == {"preempted", "done"}
    assert found["outcomes"].count("done") == 2
