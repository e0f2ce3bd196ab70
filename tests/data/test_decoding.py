"""Images as they really come, decoded as torchvision's folders do it, and `sambench data check`, which decodes all."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets.folder import pil_loader

from bench import data
from bench.data.files.decoding import read_rgb
from bench.data.files.location import DataError
from tests.data.formats import jpeg, write_tree
from tests.shared.command import Ended

SambenchCommand = Callable[..., Ended]


def png(size: tuple[int, int], depth: int, kind: int, rows: bytes) -> bytes:
    """A PNG by its specification, for what PIL doesn't write: the rows are unfiltered."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    header = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def rotated_by_exif(path: Path) -> None:
    image = Image.open(path.parent / "plain.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(path, exif=exif)


def palette(path: Path) -> None:
    """Several of its colours are transparent, of which PIL's conversion would warn."""
    image = Image.open(path.parent / "plain.png").quantize(8)
    image.save(path, transparency=bytes([0, 128, 255, 0, 10, 20, 30, 40]))


KINDS: dict[str, Callable[[Path], Any]] = {
    "turned.jpg": rotated_by_exif,
    "palette.png": palette,
    "one_colour.gif": lambda path: Image.open(path.parent / "plain.png").quantize(8).save(path, transparency=3),
    "cmyk.jpg": lambda path: path.write_bytes(jpeg(1, mode="CMYK")),
    "alpha.png": lambda path: Image.new("RGBA", (8, 8), (200, 100, 50, 0)).save(path),
    "grey_alpha.png": lambda path: Image.new("LA", (8, 8), (200, 7)).save(path),
    "black_and_white.png": lambda path: Image.new("1", (8, 8), 1).save(path),
    "lab.tif": lambda path: Image.new("LAB", (8, 8), (200, 100, 50)).save(path),
    # 16 bits a channel, which PIL reads as 8.
    "deep.png": lambda path: path.write_bytes(png((1, 1), 16, 2, bytes([0, 0x80, 0x12, 0x40, 0x34, 0xFF, 0x56]))),
}


@pytest.mark.filterwarnings("ignore:Palette images:UserWarning")
@pytest.mark.parametrize("name", KINDS)
def test_as_torchvision(tmp_path: Path, name: str) -> None:
    """Turned by nobody, without transparency, CMYK by PIL's conversion."""
    (tmp_path / "plain.png").write_bytes(jpeg(3, (20, 12), form="PNG"))
    KINDS[name](tmp_path / name)
    theirs = np.asarray(pil_loader(tmp_path / name))
    assert (np.asarray(read_rgb(str(tmp_path / name))) == theirs).all()
    if name == "turned.jpg":
        assert theirs.shape == (12, 20, 3)
    if name == "deep.png":
        assert theirs.tolist() == [[[0x80, 0x40, 0xFF]]]


def test_transparent_palettes_are_no_reason_to_warn(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    (tmp_path / "plain.png").write_bytes(jpeg(3, (20, 12), form="PNG"))
    palette(tmp_path / "palette.png")
    assert read_rgb(str(tmp_path / "palette.png")).mode == "RGB"
    assert not recwarn.list


def test_decompression_bombs_are_named(tmp_path: Path) -> None:
    """PIL refuses what has more pixels than twice its limit, and warns of what has more than once."""
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png((20_000, 10_000), 1, 0, b""))
    with pytest.raises(DataError, match=r"image .*bomb\.png: Image size \(200000000 pixels\) exceeds limit"):
        read_rgb(str(bomb))
    bomb.write_bytes(png((10_000, 10_000), 1, 0, b""))
    with pytest.raises(DataError, match=r"bomb\.png"), pytest.warns(Image.DecompressionBombWarning):
        read_rgb(str(bomb))


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder of images with much that is none."""
    for split in ("train", "val"):
        write_tree(tmp_path / "pets", split, ["cat", "dog"], images=2)
    cats = tmp_path / "pets" / "train" / "cat"
    for name in ("labels.txt", "notes.TXT", ".DS_Store", "README", "video.mpg"):
        (cats / name).write_bytes(b"no image")
    (cats / "more.jpg").mkdir()
    (tmp_path / "pets" / "val" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "pets" / "val" / "list.csv").touch()
    return tmp_path / "pets"


def test_what_is_left_out_is_told_per_class(pets: Path, sambench: SambenchCommand) -> None:
    told = sambench("data", "check", f"folder:{pets}")
    assert told.returncode == 0, told.stderr
    assert "train/cat: 6 of 8 left out: 2 .txt, 1 .mpg, 1 folder, 1 hidden, 1 without a suffix" in told.stderr
    assert "val: 2 left out beside the class folders: 1 .csv, 1 hidden" in told.stderr
    assert "8 images decoded" in told.stderr


def test_every_image_that_cannot_be_decoded_is_named(pets: Path, sambench: SambenchCommand) -> None:
    cut, text = pets / "train" / "dog" / "dog_0.JPEG", pets / "val" / "cat" / "cat_1.JPEG"
    cut.write_bytes(cut.read_bytes()[:-200])
    text.write_bytes(b"<html>")
    told = sambench("data", "check", f"folder:{pets}")
    assert told.returncode == 2
    assert f"image {cut}: image file is truncated" in told.stderr
    assert f"image {text}: is no image, or of a format that PIL can't read" in told.stderr
    assert "2 of 8 images can't be read; repair or remove them" in told.stderr
    quick = sambench("data", "check", f"folder:{pets}", "--quick")
    assert (str(text) in quick.stderr, str(cut) in quick.stderr) == (True, False)
    assert "1 of 8 images can't be read" in quick.stderr


@pytest.mark.parametrize("images", [3, 100])
def test_a_damaged_image_is_named_whoever_reads_it(tmp_path: Path, images: int) -> None:
    """In this process, or, of many, in a worker's, from which an error would come as its traceback."""
    write_tree(tmp_path, "train", ["a"], images=images)
    write_tree(tmp_path, "val", ["a"], images=1)
    cut = tmp_path / "train" / "a" / "a_1.JPEG"
    cut.write_bytes(cut.read_bytes()[:-200])
    torch.set_num_threads(2)
    train = data.load(f"folder:{tmp_path}", 8).train
    with pytest.raises(DataError) as told:
        list(train.batches(torch.arange(images), 2))
    assert str(told.value).startswith(f"image {cut}: image file is truncated")
    assert "\n" not in str(told.value)


def test_a_trial_that_meets_one_says_which(pets: Path, sambench: SambenchCommand, tmp_path: Path) -> None:
    cut = pets / "train" / "dog" / "dog_0.JPEG"
    cut.write_bytes(cut.read_bytes()[:-200])
    grid = f"dataset: 'folder:{pets}', image_size: 8, augment: inception, model: resnet8, optimizer: sgd"
    rest = "lr: 0.1, weight_decay: 0, batch_size: 4, epochs: 1, seed: 1"
    (tmp_path / "pets.yaml").write_text(f"title: Pets\ngrid: {{{grid}, {rest}}}\n", encoding="utf-8")
    ran = sambench("run", "pets.yaml", "--on", "inline")
    assert ran.returncode == 1
    assert "train/cat: 6 of 8 left out: 2 .txt" in ran.stderr
    reason = f"DataError: image {cut}: image file is truncated"
    assert reason in sambench("status", "pets.yaml").stdout.replace("\n", "")
    log = sambench("logs", "pets.yaml").stdout
    assert reason in log
    assert "Traceback" not in log
