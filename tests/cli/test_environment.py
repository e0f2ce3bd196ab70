"""The command where names, letters and paths aren't what it would wish for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, command_environment


def command(folder: Path, *arguments: object, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The installed command in a folder, with other variables."""
    program = Path(sys.executable).with_name("sambench")
    environment = command_environment(folder) | variables
    return subprocess.run(
        [program, *map(str, arguments)], cwd=folder, env=environment, capture_output=True, timeout=240, check=False
    )


@pytest.mark.slow
def test_other_packages_of_our_names_are_not_run(tiny_sweep: Path, tmp_path: Path) -> None:
    for package in ("bench", "cluster"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('another package of this name')")
    answer = command(tmp_path, "plan", tiny_sweep, PYTHONPATH=str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    told = " ".join(command(tmp_path, "doctor", PYTHONPATH=str(tmp_path)).stdout.decode().split())
    for package in ("bench", "cluster"):
        assert f"{tmp_path}/{package}/__init__.py for `{package}`" in told


@pytest.mark.slow
def test_another_cluster_ends_the_module_in_a_sentence(tiny_sweep: Path, tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "__init__.py").write_text("raise RuntimeError('another package of this name')")
    answer = subprocess.run(
        [sys.executable, "-m", "bench", "run", tiny_sweep, "--on", "inline"],
        cwd=tmp_path, env=command_environment(tmp_path) | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}, capture_output=True,
        check=False,
    )  # fmt: skip
    assert answer.returncode == 2
    assert answer.stderr.decode().startswith(f"`cluster` is {tmp_path}/cluster/__init__.py here")


@pytest.mark.parametrize("arguments", [["plan"], ["board"], ["status"], ["run", "--on", "nowhere"]])
def test_a_device_of_ascii_alone_gets_the_rest_as_numbers(
    tiny_sweep: Path, tmp_path: Path, arguments: list[str]
) -> None:
    store = tmp_path / "Speicher_für_ρ"
    answer = command(
        tmp_path, arguments[0], tiny_sweep, *arguments[1:], "--store", store, PYTHONIOENCODING="ascii", LC_ALL="C"
    )
    assert b"Traceback" not in answer.stderr, answer.stderr.decode()
    assert (answer.stdout + answer.stderr).isascii()


def test_a_path_that_is_no_text_is_shown_all_the_same(tiny_sweep: Path, tmp_path: Path) -> None:
    answer = command(tmp_path, "board", tiny_sweep, "--store", os.fsdecode(bytes(tmp_path) + b"/st\xffre"))
    assert answer.returncode in (0, 2)
    assert b"Traceback" not in answer.stderr, answer.stderr
