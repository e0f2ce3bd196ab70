"""Small data sets in the formats that the real ones have on disk."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

WORDNET_IDS = ("n01440764", "n01443537", "n15075141")
"""ImageNet's classes 0, 1 and 999: tench, goldfish, toilet tissue."""


def write_cifar(root: Path, classes: int, images: int = 20) -> Path:
    """CIFAR-10 in six pickles of `images` images, or CIFAR-100 in two, of which that for training has five times."""
    rng = np.random.default_rng(0)
    folder = root / ("cifar-10-batches-py" if classes == 10 else "cifar-100-python")
    folder.mkdir(parents=True)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"] if classes == 10 else ["train", "test"]
    for name in names:
        count = 5 * images if name == "train" else images
        labels = [int(label) for label in rng.permutation(np.arange(count) % classes)]
        # Pixels follow the label, so that something can be learned.
        pixels = np.clip(rng.normal(np.array(labels)[:, None] * 20 + 30, 30, (count, 3072)), 0, 255)
        batch = {"data": pixels.astype(np.uint8), "labels" if classes == 10 else "fine_labels": labels}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    return folder


def jpeg(seed: int, size: tuple[int, int] = (60, 48), mode: str = "RGB", form: str = "JPEG") -> bytes:
    """An image file of smooth noise."""
    rng = np.random.default_rng(seed)
    channels = {"RGB": 3, "L": 1, "CMYK": 4}[mode]
    coarse = rng.integers(0, 256, (6, 6, channels), dtype=np.uint8).squeeze()
    buffer = io.BytesIO()
    Image.fromarray(coarse, mode=mode).resize(size).save(buffer, form)
    return buffer.getvalue()


def write_tree(root: Path, split: str, classes: Sequence[str], images: int = 3) -> None:
    """split/CLASS/*.JPEG, in landscape and portrait, one of them grey and one CMYK."""
    modes = ["L", "CMYK"]
    for number, name in enumerate(classes):
        folder = root / split / name
        folder.mkdir(parents=True)
        for image in range(images):
            size = (60, 48) if image % 2 else (40, 70)
            mode = modes.pop() if modes else "RGB"
            (folder / f"{name}_{image}.JPEG").write_bytes(jpeg(100 * number + image, size, mode))


def write_imagenet(root: Path, images: int = 3) -> Path:
    """An unpacked ImageNet of three classes."""
    for split in ("train", "val"):
        write_tree(root / "imagenet", split, WORDNET_IDS, images)
    return root / "imagenet"


def write_imagenet_tars(folder: Path) -> None:
    """The official archives: a tar of tars, a flat tar, and the development kit with its MATLAB file."""
    folder.mkdir(parents=True)
    with tarfile.open(folder / "ILSVRC2012_img_train.tar", "w") as outer:
        for name in WORDNET_IDS:
            inner = io.BytesIO()
            with tarfile.open(fileobj=inner, mode="w") as archive:
                _add(archive, f"{name}_1.JPEG", jpeg(1))
            _add(outer, f"{name}.tar", inner.getvalue())
    with tarfile.open(folder / "ILSVRC2012_img_val.tar", "w") as archive:
        for number in range(1, 4):
            _add(archive, f"ILSVRC2012_val_{number:08d}.JPEG", jpeg(number))
    with tarfile.open(folder / "ILSVRC2012_devkit_t12.tar.gz", "w:gz") as archive:
        _add(archive, "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt", b"3\n1\n2\n")
        _add(archive, "ILSVRC2012_devkit_t12/data/meta.mat", _meta())


def write_objectnet(root: Path) -> None:
    """Images of objects, one of which ImageNet hasn't, behind a red frame, and the two mappings."""
    folder = root / "objectnet-1.0"
    for name in ("chair", "alarm_clock", "air_freshener"):
        (folder / "images" / name).mkdir(parents=True)
        (folder / "images" / name / "1.png").write_bytes(jpeg(7, form="PNG"))
    mappings = {
        "folder_to_objectnet_label.json": {
            "chair": "Chair",
            "alarm_clock": "Alarm clock",
            "air_freshener": "Air freshener",
        },
        "objectnet_to_imagenet_1k.json": {
            "Chair": "barber chair; folding chair; rocking chair, rocker",
            "Alarm clock": "analog clock; digital clock",
        },
    }
    (folder / "mappings").mkdir()
    for file, content in mappings.items():
        (folder / "mappings" / file).write_text(json.dumps(content), encoding="utf-8")


def _meta() -> bytes:
    from scipy.io import savemat

    rows = [(number, name, name, name, 0, [], 0, 0) for number, name in enumerate(WORDNET_IDS, 1)]
    kinds = [
        (name, object)
        for name in (
            "ILSVRC2012_ID",
            "WNID",
            "words",
            "gloss",
            "num_children",
            "children",
            "wordnet_height",
            "num_train_images",
        )
    ]
    buffer = io.BytesIO()
    savemat(buffer, {"synsets": np.array(rows, dtype=kinds)[:, None]})
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))
