"""What would fail only once it is trained or measured: told by `plan` and `run`, with its place, before anything is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.sweep import SpecError, load
from tests.data.formats import write_tree
from tests.shared.command import Ended

HEAD = "title: Planned\ngrid: {model: MODEL, optimizer: sgd, lr: 0.1, weight_decay: 0, epochs: 1, seed: 1}\n"

FAULTS = {
    "blocks: [{grid: {dataset: digits, batch_size: [8, 2000]}}]": (
        "sweep.yaml:3:51: blocks[0].grid.batch_size[1]: batch_size = 2000 is more than the 1,079 training images of "
        "digits; lower it"
    ),
    "methods:\n  - {dataset: digits, batch_size: 600, val_fraction: 0.5}": (
        "sweep.yaml:4:35: methods[0].batch_size: batch_size = 600 is more than the 539 training images of digits that "
        "val_fraction = 0.5 leaves; lower it"
    ),
    "methods: [{dataset: 'folder:pets', image_size: 32, augment: inception, batch_size: 7}]": (
        "methods[0].batch_size: batch_size = 7 is more than the 6 training images of folder:pets; lower it"
    ),
    "methods: [{dataset: digits, batch_size: 8, variant: sam, scope: ssam_f, rho: 1, fisher_samples: 1080}]": (
        "methods[0].fisher_samples: fisher_samples = 1080 is more than the 1,079 training images of digits; lower it"
    ),
    "methods: [{dataset: 'fake:64x3x32x3', batch_size: 8}]\nmeasures: [test_accuracy, 'robust_accuracy[targets=9]']": (
        "sweep.yaml:4:27: measures[1]: robust_accuracy[targets=9] is defined from 4 classes on, and fake:64x3x32x3 "
        "has 3"
    ),
    "methods: [{dataset: cifar10, batch_size: 8}]\nmeasures: [val_accuracy]": (
        "measures[0]: val_accuracy is of a validation split, and cifar10 has none here; hold one out by val_fraction"
    ),
    "methods: [{dataset: digits, batch_size: 8}]\nmeasures: [imagenet_v2_accuracy]": (
        "measures[0]: imagenet_v2_accuracy is of models of imagenet, and this one is of digits"
    ),
    "methods: [{dataset: digits, batch_size: 8}]\nmeasures: ['sharpness[m=2000]']": (
        "measures[0]: sharpness[m=2000] has no batch of m = 2000 in 1,079 training images; choose a smaller m"
    ),
    "methods: [{dataset: digits, batch_size: [8, 12], m: 4}]\nresources: {nodes: 2, gpus: 2}": (
        "sweep.yaml:4:12: resources: 4 processes can't share 2 micro-batches evenly: batch_size = 8, m = 4; choose m"
    ),
    "methods: [{dataset: digits, batch_size: 8, model: timm/resnett18}]": (
        "methods[0].model: timm VERSION has no model 'resnett18'; nearest: resnet18"
    ),
    "methods: [{dataset: digits, batch_size: 8, init_from: timm/resnet18.a9_in1k}]": (
        "methods[0].init_from: weights timm/resnet18.a9_in1k: timm has none of that name; for this model: "
        "timm/resnet18.a1_in1k"
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMBENCH_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for split in ("train", "val"):
        write_tree(tmp_path / "pets", split, ["cat", "dog"], images=3)
    return tmp_path


def written(folder: Path, rest: str) -> Path:
    file = folder / "sweep.yaml"
    head = HEAD.replace("model: MODEL, ", "" if "model:" in rest else "model: resnet8, ")
    file.write_text(f"{head}{rest}\n", encoding="utf-8")
    return Path("sweep.yaml")


@pytest.mark.parametrize("rest", FAULTS)
def test_told_with_its_place(folder: Path, rest: str) -> None:
    import timm

    file = written(folder, rest)
    with pytest.raises(SpecError) as told:
        load(file, planned=True)
    assert FAULTS[rest].replace("VERSION", timm.__version__) in str(told.value)
    # What was trained stays readable.
    assert load(file).trials


@pytest.mark.parametrize("command", ["plan", "run"])
def test_nothing_is_begun(folder: Path, sambench: Callable[..., Ended], command: str) -> None:
    file = written(folder, "methods: [{dataset: digits, batch_size: 2000}]")
    told = sambench(command, file, *(["--on", "inline"] if command == "run" else []))
    assert (told.returncode, told.stderr.count("\n")) == (2, 1), told.stderr
    assert told.stderr.startswith("sweep.yaml:3:41: methods[0].batch_size: batch_size = 2000 is more than the 1,079")
    assert not (folder / "store").exists()


def test_a_measure_that_some_trials_have_is_no_fault(folder: Path) -> None:
    datasets = "methods: [{dataset: [digits, 'fake:64x3x32x3'], batch_size: 8}]"
    file = written(folder, f"{datasets}\nmeasures: [val_accuracy, robust_accuracy]")
    assert len(load(file, planned=True).trials) == 2
