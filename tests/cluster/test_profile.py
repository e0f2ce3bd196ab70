"""Profiles: site settings with faults placed like those of a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UserError
from cluster.profile import Profile, load_profile

TWO = "gpu: {partition: a100, time: 8h, options: {exclude: bad1}}\ncpu: {partition: std}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "profiles.yaml"
    path.write_text(TWO, encoding="utf-8")
    return path


def test_one_of_several(file: Path) -> None:
    assert load_profile("gpu", file) == Profile(partition="a100", time="8h", options={"exclude": "bad1"})


def test_the_only_one_needs_no_name(file: Path) -> None:
    file.write_text("here: {account: lab}\n", encoding="utf-8")
    assert load_profile(None, file) == Profile(account="lab")


def test_without_a_file_the_cluster_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_profile(None) == Profile()
    with pytest.raises(UserError, match=r"profiles\.yaml: no such file"):
        load_profile("gpu")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "gpu: {partitoin: a}",
            "1:7: gpu.partitoin: unknown key 'partitoin'; did you mean partition; valid",
        ),
        ("gpu: {time: 8}", "gpu.time"),
        ("gpu: {time: soon}", "a time is written as 90m, 8h, 2d or 1d12h, not 'soon'"),
        ("gpu: {gpus: -1}", "1:13: gpu.gpus: input should be greater than or equal to 0, not -1"),
        ("gpu: a100", "1:6: gpu: takes a mapping, not a single value"),
        (
            'gpu: {partition: "a\\n#SBATCH --uid=0"}',
            "1:18: gpu.partition: a value of sbatch is one line without control",
        ),
        ("gpu:\n  options: {comment: 'a\\b'}", "2:22: gpu.options.comment: a value of sbatch is one line"),
        ("gpu:\n  gpu_type: ''", "2:13: gpu.gpu_type: a value of sbatch is one line"),
        ('gpu: {options: {"x\\n#SBATCH --y": 1}}', "1:17: holds the character '\\n'"),
        (
            "gpu: {options: {w: n1}}",
            "1:17: gpu.options.w: an option of sbatch is written by its long name, such as nodelist",
        ),
        ("gpu: {options: {job_name: x}}", "1:17: gpu.options.job_name: sambench sets this option of sbatch itself"),
    ],
)
def test_faults_have_their_place(file: Path, text: str, message: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as told:
        load_profile("gpu", file)
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [("gpuu", "--profile: unknown profile 'gpuu'; did you mean gpu"), (None, "--profile: say which; .* has: gpu, cpu")],
)
def test_which_profile(file: Path, name: str | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_profile(name, file)
