"""`epochs: equal-compute`: the base optimizer for as many passes as the variants beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.board.layouts.base import Layout
from bench.sam import VARIANTS
from bench.sam.cost import passes_per_step
from bench.sweep import SpecError, Sweep, load

HEAD = 'title: "T"\nrecipe: digits-resnet\ngrid: {model: resnet8, seed: 1, epochs: 20}\n'


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Sweep]:
    def reading(text: str) -> Sweep:
        file = tmp_path / "sweep.yaml"
        file.write_text(HEAD + text, encoding="utf-8")
        return load(file)

    return reading


def base_epochs(sweep: Sweep) -> list[int]:
    return [trial.epochs for trial in sweep.trials if not trial.perturbs]


def test_each_number_of_passes_gives_a_number_of_epochs(read: Callable[[str], Sweep]) -> None:
    sweep = read(
        "methods: [{}, {epochs: equal-compute}, {variant: sam, rho: [0.1, 0.2]}, {variant: fisher, rho: 1},"
        " {variant: looksam, rho: 1, every: 4}, {variant: sam, rho: 0.1, perturb_from: 15}]"
    )
    assert base_epochs(sweep) == [20, 40, 25]
    assert [passes_per_step(trial) for trial in sweep.trials if trial.perturb_from] == [1.25]
    assert any("epochs 40 for sgd with resnet8 on digits: same compute as sam at 2 passes" in n for n in sweep.notes)


def test_the_trial_is_the_one_that_the_number_makes(read: Callable[[str], Sweep]) -> None:
    written, asked = (read(f"methods: [{{epochs: {e}}}, {{variant: sam, rho: 1}}]") for e in (40, "equal-compute"))
    assert [trial.trial_id for trial in asked.trials] == [trial.trial_id for trial in written.trials]


def test_passes_are_of_the_whole_training_and_of_what_trains_alike(read: Callable[[str], Sweep]) -> None:
    cooled = read("methods: [{epochs: equal-compute, cooldown_epochs: 3}, {variant: sam, rho: 1, cooldown_epochs: 3}]")
    (base, sam) = cooled.trials
    assert base.total_epochs == 2 * sam.total_epochs == 46
    zipped = read(
        "zip: {model: [resnet8, resnet20], epochs: [4, 6]}\n"
        "methods: [{epochs: equal-compute}, {variant: sam, rho: 1}]\n".replace("zip", "blocks: [{zip", 1).replace(
            "\nmethods: [", ", methods: [", 1
        )
        + "}]"
    )
    assert [(t.model, t.epochs) for t in zipped.trials if not t.perturbs] == [("resnet8", 8), ("resnet20", 12)]


def test_a_longer_base_optimizer_stands_in_the_column_of_the_methods(read: Callable[[str], Sweep]) -> None:
    sweep = read("methods: [{}, {epochs: equal-compute}, {variant: sam, rho: 1}]")
    layout = Layout.of(sweep.trials)
    assert len({layout.column(trial) for trial in sweep.trials}) == 1
    assert [layout.row(trial) for trial in sweep.trials] == [
        "base optimizer · epochs 20", "base optimizer · epochs 40", "sam",
    ]  # fmt: skip
    both = read("methods: [{epochs: [20, 40]}, {variant: sam, rho: 1, epochs: [20, 40]}]")
    assert len({Layout.of(both.trials).column(trial) for trial in both.trials}) == 2


@pytest.mark.parametrize(
    ("methods", "fault"),
    [
        ("[{variant: sam, rho: 1, epochs: equal-compute}]", "4:42: methods[0].epochs: equal-compute is for the base"),
        ("[{}, {epochs: equal-compute}]", "4:24: methods[1].epochs: equal-compute: this block has no variant"),
        ("[{epochs: equal}, {variant: sam, rho: 1}]", "4:20: methods[0].epochs: a number of epochs is 1 or more, or"),
        ("[{epochs: equal-compute}, {variant: sam, rho: 0}]", "4:56: methods[1].rho: input should be greater than 0"),
        ("[{epochs: equal-compute, m: 7}, {variant: sam, rho: 1}]", "methods[0].m: m = 7 does not divide"),
        ("[{epochs: equal-compute}, {variant: sam}]", "methods[1].variant: variant sam needs a rho beside it"),
    ],
)
def test_what_it_cannot_stand_for_is_told(read: Callable[[str], Sweep], methods: str, fault: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(f"methods: {methods}")
    (told,) = map(str, caught.value.faults)
    assert fault in told


def test_passes_that_only_a_run_can_tell_give_no_number(
    read: Callable[[str], Sweep], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(VARIANTS["sam"]), "passes", None)
    with pytest.raises(SpecError, match="known only after training"):
        read("methods: [{epochs: equal-compute}, {variant: sam, rho: 1}]")
