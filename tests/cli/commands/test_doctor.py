"""Doctor: what it makes of the answers of SLURM's commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.commands import doctor
from bench.cli.commands.doctor import Diagnosis, examine


@pytest.mark.parametrize(
    ("script", "limited", "text"),
    [
        ("echo slurm 22.05", False, "slurm 22.05; partitions: slurm, 22.05"),
        ("echo broken >&2; exit 3", True, "--on slurm can't be used here: sinfo ended with code 3: broken"),
        ("exit 127", True, "sinfo ended with code 127: it says nothing"),
        ('[ "$1" = --version ] && echo slurm 1 || exit 1', True, "sinfo ended with code 1"),
        ("sleep 5", True, "timed out"),
    ],
)
def test_return_codes_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, limited: bool, text: str
) -> None:
    (tmp_path / "sinfo").write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n", encoding="utf-8")
    (tmp_path / "sinfo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if script.startswith("sleep"):
        monkeypatch.setattr(doctor, "_PATIENCE", 0.2)
    (found,) = (finding for finding in examine(tmp_path / "store") if finding.subject == "SLURM")
    assert (found.ok, found.limited) == (True, limited)
    assert text in found.text


def test_without_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Diagnosis("SLURM", True, "not on this machine") in examine(tmp_path / "store")


def test_a_processor_that_emulates_bfloat16(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "has_units_for", lambda dtype: False)
    (found,) = (finding for finding in examine(tmp_path / "store") if finding.subject == "torch")
    assert "no bfloat16 units" in found.text or "CUDA" in found.text
