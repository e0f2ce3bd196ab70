"""Every plot draws what the store holds, in every format, with n in its title."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from bench.board import make_board
from bench.errors import UserError
from bench.plots import PLOTS, default_kind
from bench.plots.draw import draw
from bench.plots.drawing import Drawing
from bench.plots.weights import bars
from bench.store import Store
from bench.sweep import Sweep, load
from tests.plots.contents import SWEEP, every_plot, fill

Made = tuple[Store, Sweep]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return every_plot(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="module")
def filled(sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.create(tmp_path_factory.mktemp("filled") / "store")
    fill(store, sweep)
    return store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """A sweep with these methods and its results, made once."""

    @cache
    def make(methods: str) -> Made:
        folder = tmp_path_factory.mktemp("made")
        file = folder / "some.yaml"
        file.write_text(SWEEP[: SWEEP.index("methods:")] + f"methods:\n{methods}", encoding="utf-8")
        store, sweep = Store.create(folder / "store"), load(file)
        fill(store, sweep)
        return store, sweep

    return make


@pytest.mark.slow
@pytest.mark.share(3)
@pytest.mark.parametrize("kind", [kind for kind in PLOTS if kind not in ("dropout", "decay")])
def test_every_kind_is_drawn_with_its_n(filled: Store, sweep: Sweep, tmp_path: Path, kind: str) -> None:
    outputs = [tmp_path / "deep" / f"plot.{suffix}" for suffix in ("png", "svg", "pdf")]
    draw(filled, sweep, make_board(filled, sweep), kind, outputs)
    for path, magic in zip(outputs, (b"\x89PNG", b"<?xml", b"%PDF"), strict=True):
        assert path.read_bytes().startswith(magic)
    text = outputs[1].read_text(encoding="utf-8")
    # Three seeds, one of which the last method lacks: nothing that differs in ρ or a setting is averaged.
    assert re.search(r"n = (2–)?3\)", text)
    assert "only_norm" in text
    assert "resnet20" in text


@pytest.mark.parametrize(
    ("methods", "kind"),
    [
        ("- {variant: sam, scope: all, rho: [0.1, 0.2]}", "rho"),
        ("- {variant: sam, scope: all, rho: 0.1}", "runtime"),
        ("- {variant: sam, scope: all, rho: 0.1, m: [16, 32]}", "m"),
        ("- {variant: sam, scope: random, rho: 0.1, sparsity: [0.5, 0.9]}", "sparsity"),
        ("- {norm_dropout: [0.1, 0.2], norm_dropout_on: [parameters, output]}", "dropout"),
        ("- {weight_decay_on: [all, none]}", "decay"),
    ],
)
def test_the_plot_follows_what_is_varied(tmp_path: Path, methods: str, kind: str) -> None:
    file = tmp_path / "some.yaml"
    file.write_text(SWEEP[: SWEEP.index("methods:")] + f"methods:\n  {methods}\n", encoding="utf-8")
    assert default_kind(load(file).trials) == kind


def test_an_unknown_kind_is_refused(
    tiny_sweep: Path, sambench: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    refused = sambench("plot", tiny_sweep, "--kind", "runtme")
    assert refused.returncode == 2
    assert "--kind: unknown plot 'runtme'; did you mean runtime; valid: rho" in refused.stderr


def test_a_sparsity_that_no_method_has(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    file.write_text(SWEEP[: SWEEP.index("methods:")] + "methods: [{}]\n", encoding="utf-8")
    sweep = load(file)
    with pytest.raises(UserError, match=r"sparsity: no method of .* has one; choose another --kind"):
        draw(store, sweep, make_board(store, sweep), "sparsity", [tmp_path / "plot.png"])
    assert not (tmp_path / "plot.png").exists()


def drawn(made: Made, folder: Path, kind: str) -> str:
    """The SVG of a sweep whose trials are done."""
    store, sweep = made
    draw(store, sweep, make_board(store, sweep), kind, [folder / "plot.svg"])
    return (folder / "plot.svg").read_text(encoding="utf-8")


def test_dropout_has_two_curves_and_the_others_across(made: Callable[[str], Made], tmp_path: Path) -> None:
    methods = """
  - {}
  - {norm_dropout: [0.1, 0.2], norm_dropout_on: [parameters, output]}
  - {variant: sam, scope: only_norm, rho: 0.1}
"""
    text = drawn(made(methods), tmp_path, "dropout")
    for label in (
        "sgd",
        "sgd, dropout on γ and β",
        "sgd, dropout on their output",
        "sam / only_norm, ρ 0.1",
        "rate of dropout",
    ):
        assert f"<!-- {label} -->" in text


def test_decay_has_a_place_for_each_subset(made: Callable[[str], Made], tmp_path: Path) -> None:
    methods = """
  - {weight_decay_on: [all, no_norm, none]}
  - {variant: sam, scope: only_norm, rho: 0.1, weight_decay_on: [all, no_norm, none]}
"""
    text = drawn(made(methods), tmp_path, "decay")
    for label in ("all", "no_norm", "none", "sgd", "sam / only_norm, ρ 0.1"):
        assert f"<!-- {label} -->" in text


def test_what_is_trained_is_told_by_lines_of_one_panel(made: Callable[[str], Made], tmp_path: Path) -> None:
    methods = """
  - {trainable: [all, freeze_norm]}
  - {variant: sam, scope: all, rho: [0.1, 0.2], trainable: [all, freeze_norm]}
"""
    text = drawn(made(methods), tmp_path, "rho")
    for label in ("all, norm layers trained", "all, norm layers fixed", "base optimizer, norm layers fixed"):
        assert f"<!-- {label} -->" in text
    assert text.count("<!-- sam -->") == 2, "a panel for each model"


LATE = """
  - {}
  - {variant: sam, scope: all, rho: [0.1, 0.2]}
  - {variant: sam, scope: only_norm, rho: [0.1, 0.2], perturb_from: 2}
"""


@pytest.mark.parametrize("kind", ["pareto", "rho"])
def test_when_a_method_perturbs_is_no_panel_but_the_method(
    made: Callable[[str], Made], tmp_path: Path, kind: str
) -> None:
    text = drawn(made(LATE), tmp_path, kind)
    label = {"pareto": r"sam / only_norm · perturb_from 2, ρ 0\.[12]", "rho": "sam · perturb_from 2"}[kind]
    assert re.search(f"<!-- {label} -->", text)
    for model in ("resnet8", "resnet20"):
        assert f"<!-- {model}, digits -->" in text
    # Of each model one over what the training cost, or one for each row.
    assert len(re.findall('<g id="axes_[0-9]+">', text)) == {"pareto": 2, "rho": 4}[kind]


def test_only_what_the_sweep_has_gets_a_panel(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    head = SWEEP[: SWEEP.index("methods:")].replace("model: [resnet8, resnet20]", "augment: none")
    file.write_text(
        head
        + """blocks:
  - {grid: {model: resnet8}, methods: [{variant: [sam, fisher], scope: all, rho: [0.1, 0.2]}]}
  - {grid: {model: resnet20}, methods: [{variant: fisher, scope: all, rho: [0.1, 0.2]}]}
""",
        encoding="utf-8",
    )
    sweep = load(file)
    fill(store, sweep)
    draw(store, sweep, make_board(store, sweep), "rho", [tmp_path / "plot.svg"])
    text = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert len(re.findall('<g id="axes_[0-9]+">', text)) == 3
    assert "no results yet" not in text


PILES = {
    "rho": r"over ρ: no method of some has results at more than one value \(0.1\); choose another --kind",
    "m": r"over m: no method of some has results at more than one value \(64\); choose",
    "dropout": r"over the rate of dropout: .* one value \(0\); choose",
    "decay": r"over weight_decay_on: .* one value \(all\); choose",
    "sparsity": r"over the sparsity: .* one value \(0.5\); choose",
}


@pytest.mark.parametrize("kind", PILES)
def test_a_pile_is_not_drawn(made: Callable[[str], Made], tmp_path: Path, kind: str) -> None:
    methods = "  - {}\n  - {variant: sam, scope: random, rho: 0.1, sparsity: 0.5}\n"
    with pytest.raises(UserError, match=PILES[kind]):
        drawn(made(methods), tmp_path, kind)
    assert not (tmp_path / "plot.svg").exists()


def test_bars_join_bins_and_average_trials() -> None:
    counts = [[0] * 802, [0] * 802]
    counts[0][1:4], counts[1][1:4] = [2, 4, 0], [4, 0, 2]
    counts[0][801] = 7
    few = bars(counts, "linear", (0, 3))
    assert few.heights == [3, 2, 1]
    assert few.outside == 3.5
    assert few.edges == pytest.approx([-8, -7.98, -7.96, -7.94])
    many = bars(counts, "linear", (0, 121))
    assert (len(many.heights), many.heights[0], sum(many.heights)) == (41, 6, 6)
    assert many.edges[-1] == pytest.approx(-8 + 123 * 0.02)


def test_weights_that_nothing_has_counted(store: Store, tmp_path: Path) -> None:
    sweep = every_plot(tmp_path)
    board = make_board(store, sweep)
    with pytest.raises(UserError, match=r"no trial of every has a weight_histogram; take it by: sambench measure .*'"):
        draw(store, sweep, board, "weights", [tmp_path / "plot.png"])
    uncounted = dataclasses.replace(sweep, measures=("test_accuracy",))
    with pytest.raises(UserError, match=r"measures no weight_histogram; add one to its measures, or name it: --metric"):
        draw(store, uncounted, board, "weights", [tmp_path / "plot.png"])


def drawing_of(store: Store, sweep: Sweep, kind: str) -> Drawing:
    drawing = Drawing(store, sweep, make_board(store, sweep))
    PLOTS[kind].load()(drawing)
    return drawing


@pytest.mark.parametrize("kind", ["rho", "runtime", "training", "pareto"])
def test_base_optimizers_have_panels_of_their_own(made: Callable[[str], Made], kind: str) -> None:
    store, sweep = made("  - {optimizer: [sgd, adamw], variant: sam, scope: all, rho: [0.1, 0.2]}")
    drawing = drawing_of(store, sweep, kind)
    assert max(drawing.counts) == 3, "a mean is over seeds, and not over optimizers"
    titles = [panel.get_title() for panel in drawing.figure.axes] if drawing.figure else []
    assert sum("adamw" in title for title in titles) == sum("sgd" in title for title in titles) > 0


def test_every_base_optimizer_beside_a_curve_is_drawn(made: Callable[[str], Made]) -> None:
    trained = "model: resnet8, trainable: [all, freeze_norm, only_norm]"
    methods = (f"{trained}, epochs: [3, 6, 9, 12]", f"{trained}, variant: sam, scope: all, rho: [0.1, 0.2]")
    store, sweep = made("\n".join(f"  - {{{each}}}" for each in methods))
    figure = drawing_of(store, sweep, "rho").figure
    assert figure is not None
    (found,) = (panel.get_legend_handles_labels()[1] for panel in figure.axes)
    assert sum(label.startswith("base optimizer") for label in found) == 3 * 4
