"""Nothing is silently accepted, no fault hides another, and no product runs away."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bench.sweep import MAX_TRIALS, SpecError, load

HEAD = 'title: "Test"\nrecipe: digits-resnet\n'
GRID = "grid: {model: resnet8, seed: 1}\n"
SAM = "variant: sam, rho"


def faults(folder: Path, text: str, overrides: dict[str, str] | None = None, **options: int) -> list[str]:
    file = folder / "sweep.yaml"
    file.write_text(HEAD + text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load(file, overrides, **options)
    return [str(fault).removeprefix(f"{file}:") for fault in caught.value.faults]


TWICE = {
    "grid: {model: resnet8, seed: [1, 2, 1]}": "3:37: grid.seed[2]: repeats 1",
    "grid: {model: [resnet8, resnet8], seed: 1}": "3:25: grid.model[1]: repeats 'resnet8'",
    GRID + f"methods: [{{{SAM}: [0.1, 0.10000000000000001]}}]": "4:37: methods[0].rho[1]: repeats 0.1",
    GRID + f"methods: [{{{SAM}: [0.3, 0.30000000000000004]}}]": (
        "4:37: methods[0].rho[1]: 0.30000000000000004 differs from 0.3 by rounding only"
    ),
    GRID + f"methods: [{{{SAM}: 0.3}}, {{{SAM}: 0.30000000000000004}}]": (
        "4:57: methods[1].rho: 0.30000000000000004 differs from 0.3 by rounding only"
    ),
    GRID + f"methods: [{{{SAM}: 1, scope: ['all[1,2]', 'all[2, 1]']}}]": "methods[0].scope[1]: repeats 'all[1,2]'",
    GRID + "methods: [{lr: 1, m: 2}, {m: 2, lr: 1}]": "4:26: methods[1]: repeats methods[0]",
    GRID + "blocks: [{grid: {lr: 1}}, {grid: {lr: 1}}]": "4:27: blocks[1]: repeats blocks[0]",
    GRID + "zip: {lr: [1, 1, 1], epochs: [1, 2, 1]}": "4:6: zip: repeats a combination: lr 1.0, epochs 1",
    "grid: {model: resnet8, seed: 1, lr: 1}\nzip: {lr: [2, 3], epochs: [1, 2]}": "4:7: zip.lr: lr stands in grid or",
    GRID + "measures: [test_accuracy, test_accuracy]": "4:27: measures[1]: repeats test_accuracy",
    GRID + "exclude: [{lr: 7}]": "4:11: exclude[0]: matches no combination of this sweep",
    GRID + "exclude: [{fast: true}]": "4:11: exclude[0]: matches no combination of this sweep",
    GRID + "exclude: [{}]": "4:11: exclude[0]: is empty, which would exclude everything",
    GRID + "resources: {cpus: '4'}": "4:19: resources.cpus: input should be a valid integer, not '4'",
    GRID + "resources: {gpus: true}": "4:19: resources.gpus: input should be a valid integer or 'auto', not True",
    GRID + "resources: {memory: 1.0}": "4:21: resources.memory: input should be a valid integer, not 1.0",
    GRID + "retries: {oom: '1'}": "4:16: retries.oom: input should be a valid integer, not '1'",
    GRID + "early_stopping: {reduction: '3'}": "4:29: early_stopping.reduction: input should be a valid number",
}


@pytest.mark.parametrize("text", TWICE, ids=range(len(TWICE)))
def test_nothing_is_silently_accepted(tmp_path: Path, text: str) -> None:
    (found,) = faults(tmp_path, text)
    assert TWICE[text] in found


def test_what_only_looks_like_it(tmp_path: Path) -> None:
    """Zipped axes repeat values, the command line makes lines alike, and a pattern may match after another."""
    file = tmp_path / "sweep.yaml"
    lines = f"methods: [{{{SAM}: 0.1}}, {{{SAM}: 0.2}}]\nexclude: [{{seed: 1}}, {{seed: 1, lr: 1}}]\n"
    file.write_text(f"{HEAD}grid: {{model: resnet8, seed: 2}}\nzip: {{lr: [1, 1], epochs: [1, 2]}}\n{lines}", "utf-8")
    assert len(load(file).trials) == 4
    assert len(load(file, {"rho": "0.5", "seed": "[0]"}).trials) == 2


PLACES = {
    "model: resnet8": "model: unknown key 'model' here: put it under grid",
    "seeds: 3": "seeds: unknown key 'seeds' here: did you mean seed? put it under grid",
    "momentum: 0.9": "momentum: unknown key 'momentum' here: put it under grid",
    "gpus: 1": "gpus: unknown key 'gpus' here: put it under resources",
    "oom: 1": "oom: unknown key 'oom' here: put it under retries",
    "grid: {seeds: 3}": "grid.seeds: unknown field 'seeds'; did you mean seed",
    "grid: {measures: [x]}": "grid.measures: unknown field 'measures' here: put it at the top level of the file",
    "grid: {cpus: 3}": "grid.cpus: unknown field 'cpus' here: put it under resources",
    "resources: {paper: x}": "resources.paper: unknown key 'paper' here: put it at the top level of the file",
    "blocks: [{recipe: x}]": "blocks[0].recipe: unknown key 'recipe' here: put it at the top level of the file",
}


@pytest.mark.parametrize("text", PLACES)
def test_where_it_belongs(tmp_path: Path, text: str) -> None:
    assert any(PLACES[text] in found for found in faults(tmp_path, text))


TOGETHER = {
    "grid: {model: resnet8}\nmethods: [{rho: 1}, {variant: sam}]": [
        "seed: has no value",
        "methods[0].rho",
        "needs a rho",
    ],
    "grid: {model: resnet9, seed: 1}\nmethods: [{rho: 1}, {m: 48}]": ["resnet9", "methods[0].rho", "methods[1].m"],
    "grid: {model: resnet8, seed: x}\nmethods: [{variant: sam, rho: paper}]": ["grid.seed", "the paper gives no ρ"],
    "grid: {model: resnet8, seed: 1}\nmethods: [{lr: [x, 1], min_lr: 2}]": ["lr[0]", "min_lr = 2 is above lr = 1"],
    "grid: {modle: resnet8, seed: 1}\nmethods: [{rho: 1}]": ["did you mean model", "methods[0].rho"],
    "grid: {model: resnet8, seed: 1}\nsede: 1\nmethods: [{rho: 1}]": ["put it under grid", "methods[0].rho"],
    "seed: 1\ngrid: {model: resnet8}\nmethods: [{rho: 1}]": ["put it under grid", "methods[0].rho"],
    "grid: {model: resnet8, seed: 1}\nmethods: [{lr: 0, rho: {choose: x}, variant: sam}]": [
        "lr: ",
        "unknown sweep 'x'",
    ],
    "grid: {model: resnet8, seed: 1}\nmethods: [{variant: x, eta: 1}]": ["unknown variant"],
    "grid: {model: resnet8, seed: 9000000}\nmethods: [{rho: 1}]": ["stands for 9,000,000", "methods[0].rho"],
    "grid: {model: resnet8, seed: 1}\nzip: {lr: [x, 1], m: [1, 3]}": ["zip.lr[0]", "m = 3 does not divide"],
}


@pytest.mark.parametrize("text", TOGETHER, ids=range(len(TOGETHER)))
def test_no_fault_hides_another_or_brings_false_ones(tmp_path: Path, text: str) -> None:
    found = faults(tmp_path, text)
    assert len(found) == len(TOGETHER[text])
    assert all(any(part in fault for fault in found) for part in TOGETHER[text])
    lines = [int(fault.split(":")[0]) for fault in found]
    assert lines == sorted(lines)


HUNDRED = list(range(1, 101))
LARGE = f"grid: {{model: resnet8, seed: 1000, lr: {HUNDRED}}}\nmethods: [{{}}, {{variant: sam, rho: {HUNDRED}}}]"


def test_a_large_product_is_refused_by_its_axes(tmp_path: Path) -> None:
    began = time.process_time()
    (found,) = faults(tmp_path, LARGE)
    assert time.process_time() - began < 2
    assert found.startswith("3:24: grid.seed: stands for 10,100,000 trials, more than 1,000,000: seed 1,000 × lr 100")
    assert "rho 100 = 10,000,000; seed 1,000 × lr 100 = 100,000; shorten an axis" in found
    assert found.endswith("--max-trials 10100000")


@pytest.mark.parametrize("count", [10**9, 2**62])
def test_a_number_of_seeds_beyond_all_memory(tmp_path: Path, count: int) -> None:
    (found,) = faults(tmp_path, f"grid: {{model: resnet8, seed: {count}}}")
    assert f"seed {count:,} = {count:,}" in found


def test_the_limit_is_exact_and_can_be_raised(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(f"{HEAD}grid: {{model: resnet8, seed: 30}}\n", encoding="utf-8")
    assert len(load(file, max_trials=30).trials) == 30 < MAX_TRIALS
    assert (
        "stands for 30 trials, more than 29" in faults(tmp_path, "grid: {model: resnet8, seed: 30}", max_trials=29)[0]
    )


def test_many_blocks_times_many_methods(tmp_path: Path) -> None:
    methods = ", ".join(f"{{lr: {number}}}" for number in range(1, 100))
    blocks = ", ".join(f"{{grid: {{epochs: {number}}}}}" for number in range(1, 100))
    (found,) = faults(tmp_path, f"{GRID}methods: [{methods}]\nblocks: [{blocks}]", max_trials=5000)
    assert "stands for 9,801 trials" in found
