"""`sambench show`: all there is to say of one name, for people and for programs, with nothing imported or written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.cli.details.hooks import own_hooks
from bench.cli.render.catalog import CATALOGS
from bench.papers.sam_on.recipes import RECIPES
from bench.registry import Entry
from bench.sam import SCOPES, VARIANTS
from bench.sam.scopes.scope import Scope
from bench.sam.variants.variant import Variant
from bench.store import Store
from bench.sweep import load
from tests.cli.conftest import Call
from tests.shared.store import finish

NAMES = {**{kind: list(entries) for kind, entries in CATALOGS.items()}, "recipes": list(RECIPES)}


def records(call: Call, name: str) -> list[dict[str, Any]]:
    told = call("show", name, "--json")
    assert told.code == 0, told.err
    found: list[dict[str, Any]] = json.loads(told.out)
    return found


def used(line: str, entry: Entry | None) -> str:
    """A sweep in which the line stands."""
    text = getattr(entry, "task", "") == "translation"
    grid = {"dataset": "iwslt14_de_en" if text else "cifar100", "model": "transformer_tiny" if text else "resnet8",
            "optimizer": "sgd", "lr": 0.1, "weight_decay": 0.0, "batch_size": 64, "epochs": 1, "seed": [0],
            "momentum": 0.0 if getattr(entry, "base", "") == "bare" else 0.9}  # fmt: skip
    left_out = ["momentum"] if "optimizer: " in line else []
    kept = {name: each for name, each in grid.items() if name not in left_out and not re.search(rf"\b{name}: ", line)}
    written = f"title: Used\ngrid: {json.dumps(kept)}\n"
    return written + (f"blocks:\n  - {line}\n" if line.startswith(("grid", "methods")) else f"{line}\n")


@pytest.mark.parametrize("kind", NAMES)
def test_what_it_says_of_its_use_is_true(call: Call, tmp_path: Path, kind: str) -> None:
    for name in NAMES[kind]:
        record = next(each for each in records(call, name) if each["name"] == name and "of" not in each)
        if record["kind"] in ("test set", "launcher", "recipe"):
            continue
        file = tmp_path / "used.yaml"
        file.write_text(used(record["use"], CATALOGS.get(kind, {}).get(name)), encoding="utf-8")
        assert load(file).trials, name


@pytest.mark.parametrize("name", [*VARIANTS, *SCOPES])
def test_hooks_are_those_that_the_class_has(name: str) -> None:
    entry, base = (VARIANTS[name], Variant) if name in VARIANTS else (SCOPES[name], Scope)
    above = [each for each in entry.load().__mro__ if issubclass(each, base) and each is not base]
    hooks, declared = own_hooks(entry.target, f"{base.__module__}:{base.__name__}")
    wanted = {each for each in vars(base) if callable(getattr(base, each)) and not each.startswith("_")}
    assert set(hooks) == {each for each in wanted if any(each in vars(kind) for kind in above)}
    for attribute, value in declared.items():
        assert str(getattr(entry.load(), attribute)) in (value, str(float(value)) if value[0].isdigit() else value)


def test_a_trial(call: Call, tiny_sweep: Path, store: Store, tmp_path: Path) -> None:
    (tmp_path / "sweeps").mkdir()
    tiny_sweep.rename(tmp_path / "sweeps/tiny.yaml")
    first, second, *_, last = load(tmp_path / "sweeps/tiny.yaml").trials
    finish(store, first, test_accuracy=91.5)
    finish(store, second, "error")
    told = call("show", first.trial_id[:6]).out
    for part in (first.label, "in the sweeps  tiny", "test_accuracy  91.5", "momentum 0.9", "state          done"):
        assert part in told, told
    (record,) = records(call, first.trial_id)
    assert record["fields"] == json.loads(json.dumps(first.as_written()))
    assert [each["outcome"] for each in record["attempts"]] == ["done"]
    assert Path(record["files"]["folder"]) == store.folder(first.trial_id).path
    assert records(call, second.trial_id)[0]["status"] == "failed"
    (planned,) = records(call, last.trial_id)
    assert (planned["status"], planned["sweeps"], planned["attempts"]) == ("missing", ["tiny"], [])


def test_a_trial_that_is_meant_by_too_little(call: Call, tiny_sweep: Path, store: Store) -> None:
    trials = load(tiny_sweep).trials
    for trial in trials:
        store.add([trial])
    begins = [trial.trial_id[0] for trial in trials]
    prefix = next(each for each in begins if begins.count(each) > 1)
    for command in ("show", "logs"):
        told = call(command, prefix)
        assert (told.code, told.out) == (2, "")
        assert f"ambiguous trial id '{prefix}': {begins.count(prefix)} matches: " in told.err
        for trial in trials:
            assert (f"{trial.trial_id} ({trial.label})" in told.err) == trial.trial_id.startswith(prefix)


def test_a_trial_whose_description_is_damaged(call: Call, tiny_sweep: Path, store: Store) -> None:
    trial = load(tiny_sweep).trials[0]
    finish(store, trial, test_accuracy=91.5)
    store.folder(trial.trial_id).trial.write_text("{", encoding="utf-8")
    told = call("show", trial.trial_id)
    assert (told.code, "`sambench store check` names what is damaged" in told.out) == (0, True)


def test_a_sweep(call: Call, tiny_sweep: Path, store: Store) -> None:
    finish(store, load(tiny_sweep).trials[0], test_accuracy=90.0)
    tiny_sweep.write_text("# What it is\n# for.\n" + tiny_sweep.read_text("utf-8").lstrip(), encoding="utf-8")
    told = " ".join(call("show", "tiny.yaml").out.split())
    for part in ("Tiny What it is for.", "trials 10: 1 done, 9 missing", "scope none, all, only_norm", "seed 0, 1"):
        assert part in told
    (record,) = records(call, "tiny.yaml")
    assert record["axes"]["rho"] == [None, 0.05, 0.1]
    assert record["fixed"]["batch_size"] == 256
    (table,) = records(call, "cifar100-resnets")
    assert (table["exhibits"], table["recipe"], table["trials"]) == (["Table 1"], "cifar-resnet", 234)
    assert "sambench board cifar100-resnets" in table["commands"]


def test_all_that_is_called_so(call: Call, tiny_sweep: Path, tmp_path: Path) -> None:
    (tmp_path / "sweeps").mkdir()
    tiny_sweep.rename(tmp_path / "sweeps/sam.yaml")
    assert [each["kind"] for each in records(call, "sam")] == ["variant", "sweep"]
    assert [each["kind"] for each in records(call, "m")] == ["field", "setting"]
    assert {each["name"] for each in records(call, "alpha")[0]["of"]} == {"gsam", "looksam"}
    assert [each["kind"] for each in records(call, "only_norm[2,3]")] == ["scope"]


WRONG = {
    "gsamm": "nothing is called 'gsamm'; did you mean gsam, ",
    "cifar100-resnet": "did you mean cifar100-resnets, ",
    "torch.optim:Adm": "unknown optimizer of torch.optim 'Adm'; did you mean Adam, ",
    "mine:Sam": "mine:Sam isn't recorded in the store, and show imports nothing: run a sweep that names it",
    "zq": "nothing is called 'zq'; `sambench list KIND` lists",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_nothing_is_called(call: Call, name: str) -> None:
    told = call("show", name)
    assert (told.code, told.out) == (2, "")
    assert WRONG[name] in told.err


def test_a_file_called_like_a_method_is_not_meant(call: Call, tmp_path: Path) -> None:
    (tmp_path / "gsam").mkdir()
    assert [each["kind"] for each in records(call, "gsam")] == ["variant"]


def test_nothing_heavy_is_imported(tiny_sweep: Path, store: Store) -> None:
    trial = load(tiny_sweep).trials[0]
    finish(store, trial, test_accuracy=90.0)
    code = (
        "import sys; from bench.cli.commands.showing import show_; from pathlib import Path\n"
        f"for name in ('gsam', 'vit_s16', 'slurm', {str(tiny_sweep)!r}, {trial.trial_id!r}):\n"
        f"    show_.callback(name=name, store=[Path({str(store.root)!r})], as_json=False)\n"
        "sys.exit(bool({'torch', 'ray', 'timm', 'submitit'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
