"""Temporary folders: private, and removed only when their process is provably gone."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import scratch
from cluster.scratch import Scratch, ScratchError, private_parent, remove_leftovers
from tests.conftest import ROOT

HOLD = "from cluster.scratch import Scratch; print(Scratch().path, flush=True); import time; time.sleep(600)"


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(scratch, "_ROOM", 1000)
    return tmp_path


@pytest.fixture
def held(base: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process and its scratch folder."""
    code = f"import cluster.scratch as scratch; scratch._ROOM = 1000; {HOLD}"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate()


def test_a_folder_is_private_whatever_the_umask_and_gone_after_use(base: Path) -> None:
    before = os.umask(0)
    try:
        own = Scratch()
    finally:
        os.umask(before)
    assert own.path.is_relative_to(base)
    for folder in (own.path, own.path.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (own.path / "file").touch()
    own.close()
    assert not own.path.exists()


def test_a_killed_process_leaves_a_folder_that_the_next_removes(held: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = held
    (folder / "deep" / "er").mkdir(parents=True)
    remove_leftovers(private_parent())
    assert (folder / "deep").exists(), "its process lives"
    process.send_signal(signal.SIGSTOP)
    remove_leftovers(private_parent())
    assert (folder / "deep").exists(), "it is only stopped"
    process.kill()
    process.wait()
    Scratch().close()
    assert not folder.exists()


def test_a_process_that_cannot_be_seen_from_here_keeps_its_folder(held: tuple[subprocess.Popen[str], Path]) -> None:
    """As in another container that shares the folder: its process ids mean nothing here."""
    _, folder = held
    marker = folder / "owner.json"
    owner = json.loads(marker.read_text()) | {"pid": 2**22 - 1, "machine": "another"}
    marker.write_text(json.dumps(owner))
    remove_leftovers(private_parent())
    assert folder.exists()


def test_what_has_no_marker_of_ours_stays(base: Path) -> None:
    parent = private_parent()
    target = base / "elsewhere"
    target.mkdir()
    (target / "owner.json").write_text(json.dumps({"scratch_of": os.getuid()}))
    (parent / "link").symlink_to(target)
    for name, content in {"a": None, "b": "", "c": "[]", "d": '{"pid": 1}', "e": '{"scratch_of": -1}'}.items():
        (parent / name).mkdir()
        if content is not None:
            (parent / name / "owner.json").write_text(content)
    (parent / "file").touch()
    before = sorted(base.rglob("*"))
    remove_leftovers(parent)
    assert sorted(base.rglob("*")) == before


@pytest.mark.parametrize("kind", ["link", "file", "open to others"])
def test_a_parent_that_others_could_tamper_with_is_refused(base: Path, kind: str) -> None:
    path = base / f"sambench-{os.getuid()}"
    if kind == "link":
        path.symlink_to(base)
    elif kind == "file":
        path.touch()
    else:
        path.mkdir()
        path.chmod(0o770)
    with pytest.raises(ScratchError, match="is not a private folder of this user"):
        Scratch()


def test_a_long_or_missing_temporary_folder_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (str(tmp_path / ("long" * 10)), str(tmp_path / "no")):
        monkeypatch.setenv("TMPDIR", name)
        assert private_parent() == Path(f"/tmp/sambench-{os.getuid()}")
