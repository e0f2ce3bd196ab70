"""Every plot draws what the store holds, in every format, with n in its title."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.board import make_board
from bench.errors import UserError
from bench.plots import PLOTS, default_kind
from bench.plots.draw import draw
from bench.store import Store
from bench.sweep import Sweep, load
from tests.plots.contents import SWEEP, every_plot, fill


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return every_plot(tmp_path)


@pytest.fixture
def filled(store: Store, sweep: Sweep) -> Store:
    fill(store, sweep)
    return store


@pytest.mark.slow
@pytest.mark.share(3)
@pytest.mark.parametrize("kind", PLOTS)
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
