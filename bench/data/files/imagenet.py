"""ImageNet (Deng et al. 2009) and its shifted test sets on disk, with the classes that each covers.

A tree of `train/` and `val/` with a folder per WordNet id, as torchvision lays it out, or the official tars that
`get` unpacks to it. The order of the 1,000 classes and those of ImageNet-A and -R come from timm's lists.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from bench.data.files.folders import FolderTree, Labels
from bench.data.files.location import damaged, missing

Accepted = Mapping[int, frozenset[int]]
"""Label of a test set → ImageNet classes that count as right."""


@cache
def synsets(name: str = "imagenet") -> tuple[str, ...]:
    """WordNet ids of a class list that timm ships, in the order of the labels."""
    return tuple(_listed(f"{name}_synsets").split())


def _listed(name: str) -> str:
    # Read as a file: importing timm takes seconds.
    found = find_spec("timm")
    assert found is not None, "timm is a dependency"
    assert found.origin is not None, "timm is a regular package"
    return (Path(found.origin).parent / "data" / "_info" / f"{name}.txt").read_text(encoding="utf-8")


def class_of(wordnet_id: str) -> int | None:
    """ImageNet's label of a folder named by a WordNet id."""
    return _numbers().get(wordnet_id)


def _number(folder: str) -> int | None:
    """The label that a folder is named by. Sorted by name such folders would be in another order."""
    return int(folder) if folder.isdecimal() and int(folder) < len(synsets()) else None


@cache
def _numbers() -> dict[str, int]:
    return {name: number for number, name in enumerate(synsets())}


@dataclass(frozen=True, kw_only=True)
class ImageNet(FolderTree):
    """The training and test images; the latter are what ImageNet calls the validation split."""

    name: str = "imagenet"
    folder: str = "imagenet"
    how: str = (
        "Put ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar and ILSVRC2012_devkit_t12.tar.gz of image-net.org into "
        "that folder and run `sambench data get imagenet`, or link an unpacked copy there"
    )

    def labels(self) -> Labels:
        """Folders are named by WordNet ids."""
        return class_of

    def splits(self) -> tuple[str, ...]:
        """What ImageNet calls the validation split is the test split."""
        return ("train", "val")

    def get(self) -> None:
        """Unpack the official tars, by torchvision, which verifies their checksums; an unpacked copy needs none."""
        from torchvision.datasets import imagenet

        root = self.root
        tars = ("ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar", "ILSVRC2012_devkit_t12.tar.gz")
        lacking = [name for name in tars if not (root / name).is_file()]
        if lacking and all(map(self.has, self.splits())):
            return
        if lacking:
            raise missing(self.name, root / lacking[0], "the official tars", self.how)
        imagenet.parse_devkit_archive(str(root))
        imagenet.parse_train_archive(str(root))
        imagenet.parse_val_archive(str(root))


@dataclass(frozen=True, kw_only=True)
class TestSet(FolderTree):
    """A test set of ImageNet classes: one folder per class under `folder`."""

    __test__ = False  # no test case, whatever pytest makes of the name
    subset: str | None = None
    """Name of timm's list of the classes that it covers; None: all 1,000."""
    numbered: bool = False
    """Whether folders are named by label rather than by WordNet id."""

    def labels(self) -> Labels:
        """Labels are ImageNet's."""
        return _number if self.numbered else class_of

    def classes(self) -> tuple[int, ...] | None:
        """ImageNet classes among which a model must choose, sorted; None: all."""
        if self.subset is None:
            return None
        return tuple(sorted(_numbers()[name] for name in synsets(self.subset)))

    def accepted(self) -> Accepted | None:
        """None: the label alone is right."""
        return None

    def splits(self) -> tuple[str, ...]:
        """One, without a folder of its own."""
        return (".",)

    def get(self) -> None:
        """See `DataFiles.get`: it is downloaded by hand, so DataError unless it is there."""
        if not self.root.is_dir():
            raise missing(self.name, self.root, "its class folders", self.how)


@dataclass(frozen=True, kw_only=True)
class ObjectNet(TestSet):
    """ObjectNet (Barbu et al. 2019): of its 313 objects, the 113 that ImageNet has, each as one or more classes."""

    def labels(self) -> Labels:
        """An object's label is the first of its ImageNet classes."""
        objects = self._objects()
        return lambda folder: min(objects[folder])

    def classes(self) -> tuple[int, ...]:
        """ImageNet classes of any of the objects."""
        return tuple(sorted(frozenset[int]().union(*self._objects().values())))

    def accepted(self) -> Accepted:
        """An object may be several ImageNet classes."""
        return {min(classes): classes for classes in self._objects().values()}

    def _where(self, split: str) -> Path:
        return self.root / "images"

    def _class_folders(self, split: str) -> Mapping[str, str]:
        folders, objects = super()._class_folders(split), self._objects()
        return {name: path for name, path in folders.items() if name in objects}

    def _objects(self) -> dict[str, frozenset[int]]:
        """Folder → ImageNet classes, by the two mappings that come with ObjectNet and ImageNet's descriptions."""
        described = _described()
        in_imagenet = self._mapping("objectnet_to_imagenet_1k.json")
        return {
            folder: frozenset(described[text.strip()] for text in in_imagenet[name].split(";"))
            for folder, name in self._mapping("folder_to_objectnet_label.json").items()
            if name in in_imagenet
        }

    def _mapping(self, name: str) -> dict[str, str]:
        path = self.root / "mappings" / name
        try:
            held: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise missing(self.name, path, "ObjectNet's own mapping files", self.how) from error
        except ValueError as error:
            raise damaged(self.name, path, f"no JSON: {error}", self.how) from error
        return held


@cache
def _described() -> dict[str, int]:
    """Description of an ImageNet class, such as `bow tie, bow-tie, bowtie` → label; timm's list."""
    lines = (line.split("\t") for line in _listed("imagenet_synset_to_lemma").splitlines())
    return {text: _numbers()[wordnet_id] for wordnet_id, text in lines if wordnet_id in _numbers()}


IMAGENET = ImageNet()
IMAGENET_V2 = TestSet(
    name="imagenet_v2",
    folder="imagenetv2-matched-frequency-format-val",
    how="Unpack imagenetv2-matched-frequency.tar.gz of huggingface.co/datasets/vaishaal/ImageNetV2 there",
    numbered=True,
)
IMAGENET_R = TestSet(
    name="imagenet_r",
    folder="imagenet-r",
    how="Unpack imagenet-r.tar of github.com/hendrycks/imagenet-r there",
    subset="imagenet_r",
)
IMAGENET_A = TestSet(
    name="imagenet_a",
    folder="imagenet-a",
    how="Unpack imagenet-a.tar of github.com/hendrycks/natural-adv-examples there",
    subset="imagenet_a",
)
IMAGENET_SKETCH = TestSet(
    name="imagenet_sketch",
    folder="imagenet-sketch",
    how="Unpack ImageNet-Sketch.zip of github.com/HaohanWang/ImageNet-Sketch and rename its folder `sketch`",
)
OBJECTNET = ObjectNet(name="objectnet", folder="objectnet-1.0", how="Unpack objectnet-1.0.zip of objectnet.dev there")
