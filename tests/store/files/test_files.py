"""Writing: whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bench.store import Store, StoreError, files


def test_write_replaces_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    files.write(tmp_path / "a", b"one")
    files.write(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a"]


def test_create_refuses_what_is_there(tmp_path: Path) -> None:
    files.create(tmp_path / "a", b"one")
    with pytest.raises(FileExistsError):
        files.create(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write(tmp_path / "a", b"one")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a"]


def test_colleagues_may_read_what_is_written(tmp_path: Path) -> None:
    for folder, file in ((0o755, 0o644), (0o775, 0o664), (0o700, 0o600)):
        tmp_path.chmod(folder)
        files.write(tmp_path / "a", b"one")
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == file


def test_a_store_of_a_newer_schema_is_refused(tmp_path: Path) -> None:
    Store.create(tmp_path)
    (tmp_path / "store.json").write_text('{"schema": 99}')
    with pytest.raises(StoreError, match="has schema 99, this sambench knows up to 1: upgrade"):
        Store.open(tmp_path)


def test_a_store_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")
    with pytest.raises(StoreError, match="is a file, and a store is a folder"):
        Store.create(tmp_path / "store")


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store at"):
        Store.open(tmp_path / "nowhere")
