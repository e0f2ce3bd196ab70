"""`sambench list`: every registry is shown whole, for people and for programs, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.render.catalog import CATALOGS
from bench.papers.sam_on.recipes import RECIPES
from tests.cli.conftest import Call
from tests.shared.command import ROOT

KINDS = {**{kind: list(entries) for kind, entries in CATALOGS.items()}, "recipes": list(RECIPES)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_entry_is_listed(call: Call, kind: str) -> None:
    assert [each["name"] for each in json.loads(call("list", kind, "--json").out)] == KINDS[kind]
    shown = call("list", kind).out
    lines = shown.splitlines()
    for name in KINDS[kind]:
        assert any(line.split()[:1] == [name] for line in lines), name
    settings = {name for entry in CATALOGS.get(kind, {}).values() for name in entry.settings}
    assert all(f"{name}=" in shown for name in settings)


def test_an_unknown_kind_names_the_nearest(call: Call) -> None:
    result = call("list", "varants")
    assert result.code == 2
    assert "unknown kind 'varants'; did you mean variants; valid: variants, scopes, " in result.err


def test_listing_needs_no_torch() -> None:
    code = (
        "import sys; from bench.cli.render import catalog\n"
        "for kind in (*catalog.CATALOGS, 'recipes'): catalog.catalog(kind); catalog.records(kind)\n"
        "sys.exit(bool({'torch', 'ray', 'timm', 'submitit'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_name_is_one_here_then_an_installed_one(call: Call, tmp_path: Path) -> None:
    assert "Digits with 40 % label noise" in call("plan", "demo").out
    assert "Digits with 40 % label noise" in call("plan", "sweeps/demo.yaml").out
    assert "did you mean demo.yaml" in call("plan", "dmo").err
    (tmp_path / "sweeps").mkdir()
    own = tmp_path / "sweeps" / "demo.yaml"
    choose = "{choose: rho-cifar100}"
    own.write_text(
        f"title: Mine\nrecipe: cifar-resnet\ngrid: {{dataset: cifar100, model: resnet56}}\n"
        f"methods: [{{variant: sam, scope: all, rho: {choose}, seed: 1}}]\n",
        encoding="utf-8",
    )
    told = call("plan", "demo").out
    assert "Mine" in told
    assert "of rho-cifar100" in told
    listed = json.loads(call("sweeps", "--json").out)["sweeps"]
    assert {each["sweep"] for each in listed} == {file.stem for file in (ROOT / "sweeps").glob("*.yaml")}
    assert [each["title"] for each in listed if each["sweep"] == "demo"] == ["Mine"]
