"""One class is one identity under both of its spellings; two authors' classes of one name stay apart."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path

import pytest

from bench import plugins
from bench.store import Store, query
from bench.sweep import Sweep, load, plugin_use
from bench.sweep.plugin_use import PluginName
from tests.shared.command import sambench
from tests.shared.plugins import forgotten

MODULE = '''
"""A variant."""
from typing import Annotated
from annotated_types import Gt
from bench.sam.variants.sam import Sam


class Own(Sam):
    """SAM with a factor."""

    def __init__(self, context, *, factor: Annotated[float, Gt(0), "times ρ"] = 1):
        super().__init__(context)
        self.factor = factor

    def radius(self, rho):
        return self.factor * rho
'''
SWEEP = """title: One
recipe: digits-resnet
grid: {model: resnet8, epochs: 1, batch_size: 512, seed: [0]}
methods: [{variant: "own:Own", scope: only_norm, rho: 0.1, factor: 2}]
"""


def write(folder: Path, sweep: str = SWEEP, module: str = MODULE) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "own.py").write_text(module)
    (folder / "sweep.yaml").write_text(sweep)
    return folder


def loaded(folder: Path) -> Sweep:
    with forgotten():
        plugins.import_them()
        return load(folder / "sweep.yaml")


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed distribution with an entry point."""
    site = tmp_path / "site"
    install(site, "own-sam", "weighted = own:Own\nbroken = own:Nothing")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    return site


def install(site: Path, name: str, points: str) -> None:
    info = site / f"{name.replace('-', '_')}-1.4.dist-info"
    info.mkdir(parents=True)
    (site / "own.py").write_text(MODULE)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.4\n")
    (info / "top_level.txt").write_text("own\n")
    (info / "RECORD").write_text("own.py,,\n")
    (info / "entry_points.txt").write_text(f"[sambench.variants]\n{points}\n")


def test_an_entry_point_is_another_name_of_its_path(tmp_path: Path, distribution: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "sweep.yaml").write_text(SWEEP)
    by_path = loaded(tmp_path / "a")
    (tmp_path / "b" / "sweep.yaml").write_text(SWEEP.replace("own:Own", "weighted").replace("factor: 2", "factor: 2.0"))
    by_name = loaded(tmp_path / "b")
    assert by_path.trials == by_name.trials
    assert '"factor":2.0' in by_path.trials[0].canonical_json()
    assert '"variant":"own:Own"' in by_path.trials[0].canonical_json()
    assert (by_path.modules, by_name.modules) == (None, None)
    (tmp_path / "a" / "sweep.yaml").write_text(SWEEP.replace(", factor: 2", ", factor: 1"))
    (tmp_path / "b" / "sweep.yaml").write_text(SWEEP.replace(", factor: 2", ""))
    assert loaded(tmp_path / "a").trials == loaded(tmp_path / "b").trials
    (tmp_path / "b" / "both.yaml").write_text(SWEEP.replace('"own:Own"', '["own:Own", weighted]'))
    told = sambench(tmp_path / "b", "plan", "both.yaml")
    assert told.returncode == 2
    assert "both.yaml:4:" in told.stderr
    assert "own:Own" in told.stderr


def test_where_a_plugin_is_from_is_listed_and_recorded(tmp_path: Path, distribution: Path) -> None:
    listed = sambench(tmp_path, "list", "variants").stdout
    assert "SAM with a factor" in listed
    assert "own:Own, of own-sam 1.4" in listed
    assert "factor=1: times ρ" in listed
    assert "unknown name in" in listed
    records = {each["name"]: each for each in json.loads(sambench(tmp_path, "list", "variants", "--json").stdout)}
    assert records["weighted"]["path"] == "own:Own"
    assert records["broken"]["fault"].startswith("variant own:Nothing: unknown name in")
    assert records["sam"].keys().isdisjoint({"path", "fault"})
    shown = sambench(tmp_path, "show", "weighted").stdout
    assert "`sambench list variants` imports it" in shown
    assert "own-sam 1.4" in shown
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("own:Own", "weighted"))
    ran = sambench(tmp_path, "run", "sweep.yaml", "--on", "inline")
    assert ran.returncode == 0, ran.stderr
    (attempt,) = query(Store.open(tmp_path / "store"), "SELECT plugins FROM attempts").to_pylist()
    plugin = json.loads(attempt["plugins"])["own:Own"]
    assert (plugin["distribution"], plugin["version"]) == ("own-sam", "1.4")
    assert plugin["file"] == str(distribution / "own.py")
    assert len(plugin["digest"]) == 12

    # Where it isn't installed, by that name too.
    sys.path.remove(str(distribution))
    with forgotten():
        assert "1 trial: 1 done" in sambench(tmp_path, "status", "sweep.yaml").stdout
        for name in ("weighted", "own:Own"):
            assert "SAM with a factor" in sambench(tmp_path, "show", name).stdout


def test_a_name_that_two_distributions_have(tmp_path: Path, distribution: Path) -> None:
    install(tmp_path / "site", "other-sam", "weighted = other:Own")
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("own:Own", "weighted"))
    told = sambench(tmp_path, "plan", "sweep.yaml")
    assert told.returncode == 2
    assert "variant 'weighted': several distributions have it: write other:Own or own:Own" in told.stderr


@pytest.mark.slow
def test_two_authors_stores_are_merged_and_their_classes_told_apart(tmp_path: Path) -> None:
    ours = write(tmp_path / "ours")
    theirs = write(tmp_path / "theirs", SWEEP.replace("[0]", "[0, 1]"), MODULE.replace("self.factor * rho", "rho"))
    for folder in (ours, theirs):
        with forgotten():
            ran = sambench(folder, "run", "sweep.yaml", "--on", "inline")
            assert ran.returncode == 0, ran.stderr
    merged = sambench(theirs, "store", "merge", ours / "store", theirs / "store", "--into", "both")
    assert "1 trial is by other code in both, which keeps its own results" in merged.stderr
    (theirs / "own.py").write_text("raise SystemExit('imported')")
    with forgotten():
        board = sambench(theirs, "board", "sweep.yaml", "--store", "both", "--format", "markdown")
        assert board.returncode == 0, board.stderr
        assert "other variant own:Own" in board.stdout
        checked = sambench(theirs, "store", "check", "--store", "both")
        assert checked.returncode == 0, checked.stderr
    made = query(Store.open(theirs / "both"), "SELECT DISTINCT plugins FROM attempts").to_pylist()
    assert len(made) == 2


def test_what_is_installed_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for every plug-in: it takes a fifth of a second."""
    looks: list[None] = []
    look = importlib.metadata.packages_distributions
    monkeypatch.setattr(importlib.metadata, "packages_distributions", lambda: looks.append(None) or look())
    plugin_use._distributions.cache_clear()
    names = [
        PluginName("variant", "bench.examples.weighted_sam:WeightedSam"),
        PluginName("model", "annotated_types:Gt"),
    ]
    found = [plugin_use.origins(names) for _ in range(2)]
    assert [each["annotated_types:Gt"]["distribution"] for each in found] == ["annotated-types"] * 2
    assert len(looks) == 1
