"""Plug-ins that can't be used: one located sentence each, in `plan`, and nothing is begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.sam import SharpnessAware
from tests.shared.command import sambench

HEAD = """
from typing import Annotated
from annotated_types import Gt, Lt
from bench.data.splits import Splits
from bench.plugins import about
from bench.sam.scopes.scope import Scope
from bench.sam.variants.sam import Sam
from bench.sam.variants.variant import Variant
"""
FAULTS = {
    "raises": ("value = 1 / 0\n", "can't be imported: ZeroDivisionError: division by zero (", "raises.py:9)"),
    "leaves": ("raise SystemExit('no licence')\n", "can't be imported: SystemExit: no licence (", "leaves.py:9)"),
    "misspelt": ("def f(:\n", "can't be imported: SyntaxError: ", "(misspelt.py, line 9)"),
    "needs": ("import not_to_be_had\n", "can't be imported: ModuleNotFoundError: No module named 'not_to_be_had'"),
    "elsewhere": ("class Own2(Sam): ...\n", "unknown name in ", "elsewhere.py 'Own'; did you mean Own2; valid:"),
    "baseless": ("class Own: ...\n", "is no Variant: derive a class from it (from bench.sam.variants.variant import"),
    "hookless": (
        "class Own(Variant): ...\n",
        "variant hookless:Own lacks direction: see Variant in bench.sam.variants",
    ),
    "halfway": (
        "class Own(Sam):\n    selects_samples = True\n",
        "lacks second_batch, for which selects_samples = True asks",
    ),
    "undeclared": (
        "class Own(Sam):\n    def __init__(self, context, gamma=0.9): ...\n",
        "setting gamma isn't declared: it needs a type, a description and a default, as in gamma: Annotated[float, Ge",
    ),
    "without": (
        "class Own(Sam):\n    def __init__(self, context, *, gamma: Annotated[float, 'weight']): ...\n",
        "setting gamma isn't declared",
    ),
    "untyped": (
        "class Own(Sam):\n    def __init__(self, context, *, gamma: Annotated['Nobody', 'weight'] = 1.0): ...\n",
        "setting gamma: its type can't be checked",
    ),
    "default": (
        "class Own(Sam):\n    def __init__(self, context, *, gamma: Annotated[float, Lt(1), 'weight'] = 9.0): ...\n",
        "setting gamma: its default: input should be less than 1, not 9.0",
    ),
    "field": (
        "class Own(Sam):\n    def __init__(self, context, *, epochs: Annotated[float, 'weight'] = 9.0): ...\n",
        "setting epochs: is the name of a field of every trial: rename it",
    ),
}
"""Module → its text, and words of the fault."""
OTHERS = {
    "dataset": ("def own(image_size): ...\n", "num_classes is missing: say it by @about(num_classes=…)"),
    "model": ("def own(num_classes, in_channels): ...\n", "takes no image_size, which sambench calls it with"),
    "scope": ("class own(Scope):\n    stages = 'all'\n    select = None\n", "stages input should be a valid boolean"),
    "augment": ("own = 3\n", "can't be called: it is int"),
    "optimizer": ("@about(colour=1)\ndef own(groups, lr): ...\n", "unknown attribute of a record 'colour'"),
}


def test_every_fault_is_told_where_it_stands(tmp_path: Path) -> None:
    for name, (text, *_) in FAULTS.items():
        (tmp_path / f"{name}.py").write_text(HEAD + text)
    for name, (text, _) in OTHERS.items():
        (tmp_path / f"bad_{name}.py").write_text(HEAD + text)
    names = [*(f"{name}:Own" for name in FAULTS), "nowhere.at_all:Own", "__main__:Own"]
    lines = [f"{field}: bad_{field}:own" for field in OTHERS]
    listed = "\n".join(f"    - {name}" for name in names)
    text = "title: Faults\ngrid:\n  rho: 0.1\n  variant:\n" + listed + "\n  " + "\n  ".join(lines) + "\n"
    (tmp_path / "faults.yaml").write_text(text)
    for command in ("plan", "run"):
        told = sambench(tmp_path, command, "faults.yaml", *(["--on", "inline"] if command == "run" else []))
        assert told.returncode == 2
        assert "Traceback" not in told.stderr
        said = told.stderr.splitlines()
        for number, (_, *words) in enumerate([*FAULTS.values(), ("", "there is no module nowhere: neither installed"),
                                              ("", "is defined in __main__, the program that runs")]):  # fmt: skip
            (line,) = [each for each in said if f"faults.yaml:{number + 5}:" in each]
            assert all(word in line for word in words), line
        for number, (_, words) in enumerate(OTHERS.values()):
            (line,) = [each for each in said if f"faults.yaml:{number + 5 + len(names)}:" in each]
            assert words in line
    assert not (tmp_path / "store").exists()


GOOD = (
    "class Own(Sam):\n    def __init__(self, context, *, gamma: Annotated[float, Gt(0), Lt(1), 'weight'] = 0.9): ...\n"
)
SWEEP = """title: One
recipe: digits-resnet
grid: {model: resnet8, seed: [0]}
methods:
  - {variant: "own:Own", rho: 0.1, gamma: 2}
"""


def test_settings_are_checked_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(HEAD + GOOD)
    for text, words in (
        (SWEEP, "sweep.yaml:5:43: methods[0].gamma: input should be less than 1, not 2"),
        (
            SWEEP.replace("gamma", "gamme"),
            "sweep.yaml:5:36: methods[0].gamme: unknown field 'gamme'; did you mean gamma",
        ),
        (SWEEP.replace("gamma: 2", "eta: 0.1"), "is a setting that nothing chosen here has"),
    ):
        (tmp_path / "sweep.yaml").write_text(text)
        told = sambench(tmp_path, "plan", "sweep.yaml")
        assert told.returncode == 2
        assert words in told.stderr
    (tmp_path / "own.py").write_text(HEAD + GOOD.replace("gamma", "momentum"))
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace(", gamma: 2", "").replace("own:Own", "again:Own"))
    (tmp_path / "again.py").write_text(HEAD + GOOD.replace("gamma", "momentum"))
    told = sambench(tmp_path, "plan", "sweep.yaml")
    assert "sgd and again:Own both have a setting momentum, and one value can't be that of both" in told.stderr


def test_a_module_that_hides_the_one_beside_the_sweep(tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").write_text(HEAD + GOOD)
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("own:Own", "colorsys:Own"))
    told = sambench(tmp_path, "plan", "sweep.yaml")
    assert told.returncode == 2
    assert f"which hides that of {tmp_path}: give yours another name" in told.stderr


def test_two_sweeps_of_one_process_with_a_module_of_the_same_name(tmp_path: Path) -> None:
    other = tmp_path / "search"
    other.mkdir()
    for folder in (tmp_path, other):
        (folder / "own.py").write_text(HEAD + GOOD)
    (other / "rho.yaml").write_text(SWEEP.replace("rho: 0.1, gamma: 2", "rho: [0.1, 0.2]"))
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("rho: 0.1, gamma: 2", "rho: {choose: search/rho}"))
    told = sambench(tmp_path, "plan", "sweep.yaml")
    assert told.returncode == 2
    assert (
        f"search/rho.yaml:5:15: methods[0].variant: variant own:Own: own is {tmp_path / 'own.py'} here" in told.stderr
    )


def test_a_launcher_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(HEAD + GOOD)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    told = sambench(tmp_path, "run", "sweep.yaml", "--on", "own:Own")
    assert told.returncode == 2
    assert "--on: launcher own:Own is no Launcher: derive a class from it" in told.stderr


def test_in_your_own_loop_a_path_will_do_and_a_wrong_one_is_told() -> None:
    import torch

    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    SharpnessAware(model, optimizer, "bench.examples.weighted_sam:WeightedSam", settings={"gamma": 0.5})
    with pytest.raises(ValueError, match="there is no module nowhere: not installed"):
        SharpnessAware(model, optimizer, "nowhere:Own")
    with pytest.raises(ValueError, match="setting 'gamme'"):
        SharpnessAware(model, optimizer, "bench.examples.weighted_sam:WeightedSam", settings={"gamme": 0.5})
