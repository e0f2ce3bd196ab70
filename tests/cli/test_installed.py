"""The wheel, in an environment of its own and a folder that holds nothing."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT, command_environment

WITHIN = ("bench/", "cluster/", "sambench.py", "sambench-")


def built(folder: Path) -> Path:
    """The wheel of a copy of what it is made from: building writes beside its sources."""
    source = folder / "source"
    source.mkdir()
    names = [
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "sambench.py",
        "bench",
        "cluster",
        "sweeps",
        "benchmarks",
        "tests",
    ]
    # Links stay links, as they do in a checkout.
    subprocess.run(["cp", "-a", *(ROOT / name for name in names), source], check=True)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder]
    done = subprocess.run([*command, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.mark.slow
@pytest.mark.share(0)
def test_the_wheel_works_in_an_empty_folder(tmp_path: Path) -> None:
    wheel = built(tmp_path)
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if not name.startswith(WITHIN)] == []
    ours = {file.name for file in (ROOT / "sweeps").glob("*.yaml")}
    assert {Path(name).name for name in names if name.startswith("bench/sweeps/")} == ours
    environment, empty = tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()
    venv.create(environment, with_pip=False)
    site = next((environment / "lib").glob("python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    # What the wheel depends on is this environment's; sambench itself comes from the wheel, which stands before.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")

    variables = command_environment(empty)
    del variables["PYTHONPATH"]

    def command(*arguments: str) -> str:
        program = "import sambench; sambench.main()"
        done = subprocess.run(
            [environment / "bin" / "python", "-c", program, *arguments],
            cwd=empty, env=variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert command("--version").startswith("sambench ")
    assert str(site) in " ".join(command("doctor").split())
    assert "cifar100-norm-dropout" in command("sweeps")
    assert "resnet8" in command("plan", "demo")
    command("run", "demo", "--smoke", "--on", "inline", "--where", "variant=none", "--where", "model=resnet8")
    assert "1 done" in command("status", "demo", "--smoke", "--where", "variant=none", "--where", "model=resnet8")
