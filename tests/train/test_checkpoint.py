"""A checkpoint from a stranger is tensors and plain values, or nothing."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import pytest
import torch

from bench.train import checkpoint


class Code:
    """What a pickle can bring."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("echo written > written",)


def test_a_checkpoint_brings_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    torch.save({"model": Code()}, buffer)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())
    with pytest.raises(checkpoint.DamagedCheckpoint, match="no state of a training"):
        checkpoint.load(path)
    assert not (tmp_path / "written").exists()
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(checkpoint.DamagedCheckpoint, match="is a link"):
        checkpoint.load(tmp_path / "link")


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_checkpoint_is_noticed(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, {"w": torch.zeros(1000)})
    assert torch.equal(checkpoint.load(path)["w"], torch.zeros(1000))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data) if damage is None else damage)
    with pytest.raises(checkpoint.DamagedCheckpoint, match="checksum"):
        checkpoint.load(path)


def test_no_checkpoint(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path / "none.pt") is None
