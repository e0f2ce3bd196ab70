"""Images as they really come: modes of other depths, names that begin with a dot, files that are damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench import data
from bench.data.files.location import DataError
from bench.data.on_disk import OnDisk
from tests.data.formats import write_tree


def one(path: Path) -> OnDisk:
    return OnDisk(paths=[str(path)], labels=torch.tensor([0]), size=8)


@pytest.mark.parametrize(("form", "dtype"), [("png", np.uint16), ("tif", np.uint16), ("pgm", np.uint16)])
def test_16_bits_keep_their_grey_values(tmp_path: Path, form: str, dtype: type) -> None:
    """Half of white is half of white, whatever the depth: 0x8000 of 0xFFFF is 0x80 of 0xFF."""
    file = tmp_path / f"deep.{form}"
    Image.fromarray(np.full((8, 8), 0x8000, dtype)).save(file)
    assert set(one(file).read(0, None).flatten().tolist()) == {0x80}


def test_values_of_unknown_range_are_refused_by_name(tmp_path: Path) -> None:
    for mode, value in (("F", np.float32(0.5)), ("I", np.int32(7))):
        file = tmp_path / "values.tif"
        Image.fromarray(np.full((8, 8), value)).save(file)
        with pytest.raises(DataError, match=rf"values\.tif: .* mode {mode}"):
            one(file).read(0, None)


def test_what_begins_with_a_dot_is_no_class_and_no_image(tmp_path: Path) -> None:
    for split in ("train", "val"):
        write_tree(tmp_path, split, ["a", "b"])
        (tmp_path / split / ".ipynb_checkpoints").mkdir()
        (tmp_path / split / "a" / "._a_0.jpeg").write_bytes(b"of another system")
    assert data.entry(f"folder:{tmp_path}").num_classes == 2
    assert len(data.load(f"folder:{tmp_path}").train) == 6


@pytest.mark.parametrize("suffix", ["tif", "tiff", "ppm", "pgm", "gif", "jp2", "TIF"])
def test_every_extension_that_pil_reads_counts(tmp_path: Path, suffix: str) -> None:
    for split in ("train", "val"):
        write_tree(tmp_path, split, ["a"])
        grey = Image.new("L", (8, 8), 7)
        grey.save(tmp_path / split / "a" / f"more.{suffix}")
    assert len(data.load(f"folder:{tmp_path}").train) == 4
