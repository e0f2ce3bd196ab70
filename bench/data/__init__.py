"""DATASETS and TEST_SETS: what models are trained and tested on, as light records."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bench.data.fake_names import FORM, parse
from bench.data.files.location import DataError
from bench.data.text.registry import CORPORA, parallel
from bench.plugins import Registry
from bench.plugins.kinds import KINDS
from bench.registry import DatasetEntry, ImagesEntry, Scalar, TestSetEntry
from bench.trial.content import CONTENT, without_content

if TYPE_CHECKING:
    from bench.data.files.folders import UserFolder
    from bench.data.files.location import DataFiles
    from bench.data.splits import Splits
    from bench.data.text.corpus import Corpus


def _cifar(classes: int) -> ImagesEntry:
    return ImagesEntry(
        target=f"bench.data.cifar:load_cifar{classes}",
        summary=f"60,000 32×32 photographs in {classes} classes; 50,000 train, 10,000 test, no validation",
        source="Krizhevsky 2009",
        num_classes=classes,
        train_images=50_000,
        in_channels=3,
        image_size=32,
        flip=True,
        files=f"bench.data.files.cifar:CIFAR{classes}",
    )


_DATASETS: dict[str, DatasetEntry] = {
    "digits": ImagesEntry(
        target="bench.data.digits:load",
        summary="1,797 scanned 8×8 digits in 10 classes; 1,079 train, 359 validation, 359 test",
        source="scikit-learn, UCI optical recognition of handwritten digits",
        num_classes=10,
        train_images=1079,
        validated=True,
        in_channels=1,
        image_size=8,
        flip=False,
    ),
    "cifar10": _cifar(10),
    "cifar100": _cifar(100),
    "imagenet": ImagesEntry(
        target="bench.data.imagenet:load",
        summary="1.28 million photographs in 1,000 classes; its validation split serves as the test split",
        source="Deng et al. 2009, ILSVRC 2012",
        num_classes=1000,
        train_images=1_281_167,
        in_channels=3,
        image_size=224,
        flip=True,
        any_size=True,
        files="bench.data.files.imagenet:IMAGENET",
    ),
}


_DATASETS |= CORPORA


def _test_set(name: str, summary: str, source: str) -> TestSetEntry:
    files = f"bench.data.files.imagenet:{name.upper()}"
    return TestSetEntry(target=files, summary=summary, source=source, trained_on="imagenet", files=files)


TEST_SETS: dict[str, TestSetEntry] = {
    "imagenet_v2": _test_set("imagenet_v2", "10,000 newly collected images", "Recht et al. 2019"),
    "imagenet_r": _test_set("imagenet_r", "30,000 renditions of 200 classes", "Hendrycks et al. 2021"),
    "imagenet_a": _test_set("imagenet_a", "7,500 natural adversarial images of 200 classes", "Hendrycks et al. 2021"),
    "imagenet_sketch": _test_set("imagenet_sketch", "50,889 sketches", "Wang et al. 2019"),
    "objectnet": _test_set("objectnet", "18,574 images of 113 objects that are also in ImageNet", "Barbu et al. 2019"),
}
"""Sets that models of another data set are tested on."""


DATASETS: Registry[DatasetEntry] = Registry("dataset", _DATASETS)


def entry(name: str) -> DatasetEntry:
    """The record of a data set, `fake:…`, `folder:PATH` and `parallel:PATH` too, whatever is said of its content.

    ValueError for a name that can't be, KeyError for one that isn't known.

    Of a folder that isn't there it has no number of classes.
    """
    name = without_content(name)
    kind, colon, rest = name.partition(":")
    if colon and kind == "fake":
        return _fake(rest)
    if colon and kind == "folder" and rest:
        return _folder(rest)
    if colon and kind == "parallel" and rest:
        return parallel(rest)
    if name in TEST_SETS:
        raise ValueError(
            f"{name} has no training images: it is a test set for models of {TEST_SETS[name].trained_on}, "
            f"measured as {name}_accuracy"
        )
    return DATASETS[name]


def images(name: str) -> ImagesEntry:
    """The record of a data set of images; TypeError for one of another kind."""
    found = entry(name)
    if not isinstance(found, ImagesEntry):
        raise TypeError(f"{name} has no images")
    return found


def canonical(name: str) -> str:
    """The one name of a data set, without what is in it; errors as of `entry`, PluginError for a user's own."""
    if name.partition(":")[0] in KINDS["dataset"].reserved or name in TEST_SETS:
        entry(name)
        return name
    return DATASETS.canonical(name)


def identified(name: str, *, afresh: bool = False) -> str:
    """`folder:PATH@sha256:DIGEST`: the name with what is in the data set; DataError for a folder that can't be listed.

    The plain name for a data set that is what its name stands for. `afresh`: see `DataFiles.contents`.
    """
    files = files_of(entry(name))
    contents = files.contents(afresh=afresh) if files is not None else None
    return f"{name}{CONTENT}{contents}" if contents else name


def valid_names() -> tuple[str, ...]:
    """What may be written for a data set."""
    return (*DATASETS, FORM, "folder:PATH", "parallel:PATH")


def check_identity(name: str) -> None:
    """DataError if a data set isn't what was recorded in its name."""
    if CONTENT in name and (now := identified(without_content(name), afresh=True)) != name:
        raise DataError(f"data set {name}: it is {now} now: plan the sweep anew, or put its files back")


def load(name: str, image_size: int | None = None) -> Splits:
    """The splits of images `name`, on the CPU; DataError if it is missing, damaged, or not what the name says."""
    found = images(name)
    check_identity(name)
    size = image_size or found.image_size
    splits: Splits = found.load()(*found.arguments, image_size=size)
    return splits


def load_corpus(name: str, settings: Mapping[str, Scalar]) -> Corpus:
    """The text `name`, prepared; DataError if it is missing, damaged, or not what the name says."""
    found = entry(name)
    check_identity(name)
    files = files_of(found)
    corpus: Corpus = found.load()(*([files] if files is not None else []), **settings)
    return corpus


def files_of(found: DatasetEntry | TestSetEntry) -> DataFiles | None:
    """The files of a data set or test set, None for what has none."""
    if isinstance(found, DatasetEntry) and found.arguments and not found.fake:
        own: DataFiles = found.arguments[0]
        return own
    if found.files is None:
        return None
    module, _, attribute = found.files.partition(":")
    files: DataFiles = getattr(importlib.import_module(module), attribute)
    return files


def training_images(name: str) -> int | None:
    """Size of the training split, as published or as the files are; None where there are none."""
    found = entry(name)
    if not isinstance(found, ImagesEntry):
        return None
    files = files_of(found) if found.train_images is None else None
    if files is None or not files.root.is_dir():
        return found.train_images
    return len(files.images("train"))


def _fake(rest: str) -> ImagesEntry:
    shape = parse(rest)
    size, classes = shape.size, shape.num_classes
    return ImagesEntry(
        target="bench.data.fake:load",
        summary=f"{shape.train} random {size}×{size} images, from which nothing can be learned",
        num_classes=classes,
        train_images=shape.train,
        in_channels=shape.channels,
        image_size=size,
        flip=True,
        fake=True,
        arguments=(shape,),
    )


def _folder(path: str) -> ImagesEntry:
    from bench.data.files.folders import UserFolder

    how = "Put train/CLASS/*.jpg beside val/ or test/"
    folder: UserFolder = UserFolder(name=f"folder:{path}", folder=path, how=how)
    return ImagesEntry(
        target="bench.data.imagenet:load_folder",
        summary=f"the image files under {path}",
        num_classes=len(folder.class_names()) if folder.root.is_dir() else 0,
        validated=folder.validation_split is not None,
        in_channels=3,
        image_size=224,
        flip=True,
        any_size=True,
        arguments=(folder,),
    )
