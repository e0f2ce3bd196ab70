"""Every fault of a sweep file is reported with its place, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.sweep import SpecError, load

HEAD = 'title: "Test"\nrecipe: digits-resnet\ngrid: {model: resnet8, seed: 1}\n'

CASES = {
    "titel: x": "4:1: titel: unknown key 'titel'; did you mean title; valid: grid, zip",
    "methods: [{variant: samm, rho: 1}]": (
        "4:21: methods[0].variant: unknown variant 'samm'; did you mean sam, wsam or msam; `sambench list"
    ),
    "methods: [{lr: fast}]": "4:16: methods[0].lr: input should be a valid number, not 'fast'",
    "methods: [{lr: '0.1'}]": "4:16: methods[0].lr: input should be a valid number, not '0.1'",
    "methods: [{epochs: 1.5}]": "4:20: methods[0].epochs: input should be a valid integer",
    "methods: [{lr: .nan}]": "4:16: methods[0].lr: input should be a finite number",
    "methods: [{lr: .inf}]": "4:16: methods[0].lr: input should be a finite number",
    "methods: [{variant: sam, rho: [1, 0]}]": "4:35: methods[0].rho[1]: input should be greater than 0, not 0",
    "methods: [{variant: sam, rho: -1}]": "4:31: methods[0].rho: input should be greater than 0, not -1",
    "methods: [{variant: sam, rho: big}]": "4:31: methods[0].rho: a ρ is a number above 0",
    "methods: [{variant: sam, rho: {choose: x}}]": "4:31: methods[0].rho: unknown sweep 'x'; valid: sweep (looked for",
    "methods: [{variant: sam}]": "4:21: methods[0].variant: variant sam needs a rho beside it",
    "methods: [{rho: 0.1}]": "4:17: methods[0].rho: a ρ without a variant: sgd alone perturbs nothing",
    "methods: [{scope: all}]": "4:19: methods[0].scope: a scope without a variant",
    "methods: [{variant: sam, rho: paper}]": "4:31: methods[0].rho: the paper gives no ρ for digits with resnet8",
    "methods: [{variant: sam, rho: 1, eta: 1}]": "4:34: methods[0].eta: is a setting that nothing chosen here has",
    "methods: [{variant: fisher, rho: 1, eta: -1}]": "4:42: methods[0].eta: input should be greater than or equal to 0",
    "methods: [{variant: sam, scope: 'only_norm[0]', rho: 1}]": "4:33: methods[0].scope: scope 'only_norm[0]': stages",
    "methods: [{variant: sam, scope: 'only_norm[4]', rho: 1}]": "4:33: methods[0].scope: resnet8 has stages 1 to 3",
    "methods: [{variant: sam, scope: only_norm, rho: 1, trainable: freeze_norm}]": (
        "4:33: methods[0].scope: trainable: freeze_norm fixes what scope: only_norm perturbs; use trainable: all"
    ),
    "methods: [{m: 48}]": "4:15: methods[0].m: m = 48 does not divide batch_size = 64; choose a divisor",
    "methods: [{bn_stats: none}]": "4:22: methods[0].bn_stats: unknown bn_stats 'none'; valid: both, first",
    "methods: [{variant: sam, scope: random, sparsity: 1, rho: 1}]": "4:51: methods[0].sparsity: input should be",
    "methods: [{model: vgg16_bn}]": "4:19: methods[0].model: vgg16_bn takes images of at least 32×32 pixels, not 8×8",
    "methods: [{model: vit_s32}]": "4:19: methods[0].model: vit_s32 takes images of at least 32×32 pixels",
    "methods: [{model: timm/resnet10t, variant: sam, scope: 'only_norm[1]', rho: 1}]": "resnet10t has no stages",
    "methods: [{model: timm/}]": "4:19: methods[0].model: unknown model 'timm/'",
    "methods: [{image_size: 32}]": "4:24: methods[0].image_size: digits has images of 8×8 pixels, not 32×32; drop",
    "methods: [{dataset: imagenet, augment: basic}]": "4:40: methods[0].augment: basic needs images of one size",
    "methods: [{dataset: imagenet_r}]": "4:21: methods[0].dataset: imagenet_r has no training images: it is a test set",
    "methods: [{dataset: cifar11}]": "4:21: methods[0].dataset: unknown dataset 'cifar11'; did you mean cifar1",
    "methods: [{dataset: 'fake:x'}]": "4:21: methods[0].dataset: unknown data set 'fake:x'; valid: fake:cifar",
    "methods: [{dataset: 'folder:none'}]": "data set folder:none: ",
    "methods: [{warmup_epochs: 20}]": "4:27: methods[0].warmup_epochs: 20 of 20 epochs leave no epoch at the full",
    "methods: [{model: transformer_tiny}]": "digits is for classification and transformer_tiny for translation; choose",
    "methods: [{dataset: toy_translation}]": "toy_translation is for translation and resnet8 for classification;",
    "methods: [{dataset: toy_translation, model: transformer_tiny, image_size: 8}]": "image_size has no meaning for",
    "methods: [{dataset: 'parallel:x.txt'}]": "write parallel:FILE.tsv or parallel:NAME.de-en",
    "methods: [{warmup_steps: 20}]": "warmup_steps = 20, and the learning rate changes once an epoch; add lr_per: step",
    "methods: [{lr_per: step, warmup_steps: 2, warmup_epochs: 1}]": "a warm-up of 2 steps and of 1 epochs; keep one",
    "methods: [{lr_schedule: cosin}]": "4:25: methods[0].lr_schedule: unknown lr_schedule 'cosin'; did you mean cosine",
    "methods: [{min_lr: 1}]": "4:20: methods[0].min_lr: min_lr = 1 is above lr = 0.1; lower it",
    "methods: [{variant: gsam, rho: 1, lr_min: 0.01}]": "lr_min = 0.01 is above the schedule's lowest learning rate, 0",
    "methods: [{variant: gsam, rho: 1, rho_min: 2}]": "rho_min = 2 is above rho = 1; lower it",
    "methods: [{precision: bfloat16, ascent_dtype: bfloat16}]": "precision bfloat16 holds for both passes; drop ascent",
    "methods: [{init_from: none.pt}]": "4:23: methods[0].init_from: weights ",
    "methods: [{val_fraction: 1}]": "4:26: methods[0].val_fraction: input should be less than 1",
    "methods: {}": "4:10: methods: takes a list, not a mapping: write [{}]",
    "methods: []": "4:1: methods: is empty",
    "methods: [{lr: []}]": "4:12: methods[0].lr: has no values",
    "rows: [variant]": "4:1: rows: goes with columns, such as rows: [variant, scope]",
    "columns: [model]": "4:1: columns: goes with rows",
    "rows: [variat]\ncolumns: [model]": "4:8: rows[0]: unknown field 'variat'; did you mean variant",
    "rows: [variant, 3]\ncolumns: [model]": "4:17: rows[1]: input should be a valid string",
    "rows: variant\ncolumns: [model]": "4:7: rows: takes a list, not a single value: write [variant]",
    "zip: {lr: [1, 2], epochs: [1]}": "4:6: zip: zipped axes have equal numbers of values: lr has 2, epochs has 1",
    "exclude: [{modle: resnet8}]": "4:12: exclude[0].modle: unknown field 'modle'; did you mean model",
    "exclude: [{model: resnet8}]": "1:1: expands to no trials",
    "measures: [test_acc]": "4:12: measures[0]: unknown measure 'test_acc'; did you mean test_accuracy",
    "resources: {gpu: 1}": "4:13: resources.gpu: unknown key 'gpu'; did you mean gpus; valid: ",
    "resources: {cpus: 0}": "4:19: resources.cpus: input should be greater than or equal to 1, not 0",
    "blocks: [{grd: {}}]": "4:11: blocks[0].grd: unknown key 'grd'; did you mean grid",
    "title: again": "4:1: title: duplicate key",
    "measures: [a": "no valid YAML",
}


def faults(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "sweep.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load(file)
    return [str(fault).removeprefix(f"{file}:") for fault in caught.value.faults]


@pytest.mark.parametrize("line", CASES)
def test_fault(tmp_path: Path, line: str) -> None:
    found = faults(tmp_path, f"{HEAD}{line}\n")
    assert len(found) == 1
    assert CASES[line] in found[0]


def test_all_faults_at_once_in_order(tmp_path: Path) -> None:
    found = faults(tmp_path, HEAD.replace("resnet8", "resnet9") + "titel: x\nmethods: [{rho: 0}, {variant: sam}]\n")
    assert [fault.split(": ")[1] for fault in found] == ["grid.model", "titel", "methods[0].rho", "methods[1].variant"]


def test_faults_of_several_methods(tmp_path: Path) -> None:
    found = faults(tmp_path, HEAD + "methods:\n- {rho: 1}\n- {variant: sam}\n- {scope: all}\n")
    assert [fault.split(":")[0] for fault in found] == ["5", "6", "7"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: x\ngrid: {}\n", "grid: is empty"),
        ("just words\n", "a sweep is a mapping"),
        ("", "a sweep is a mapping"),
        ("grid: {model: resnet8}\n", "title: is missing"),
        ("title: x\nrecipe: digits-resnt\n", "unknown recipe 'digits-resnt'; did you mean digits-resnet"),
        ("title: x\ngrid: {model: resnet8, seed: 1}\n", "dataset: has no value; set it in grid or methods"),
        ("title: x\ngrid: {lr: 0.1, lr: 0.2}\n", "2:17: lr: duplicate key"),
    ],
)
def test_fault_of_a_whole_file(tmp_path: Path, text: str, message: str) -> None:
    assert any(message in fault for fault in faults(tmp_path, text))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.yaml: no such file, and no \.yaml file in "):
        load(tmp_path / "none.yaml")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="not UTF-8"):
        load(tmp_path / "binary.yaml")


def test_a_fault_of_the_command_line_names_it(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(HEAD, encoding="utf-8")
    with pytest.raises(SpecError, match=r"^--set lr=-1: input should be greater than 0"):
        load(file, {"lr": "-1"})
