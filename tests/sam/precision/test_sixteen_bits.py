"""Weights of 16 bits, and processors that have no units for them: what is told, and what is refused."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bench.resources import has_units_for
from bench.sam import SharpnessAware
from tests.sam.references.networks import batch, network, sgd


@pytest.mark.parametrize(("dtype", "most"), [(torch.bfloat16, 0.6), (torch.float16, 0.95)])
def test_weights_of_16_bits_are_told_of_with_the_share_that_moved(dtype: torch.dtype, most: float) -> None:
    model, (x, y), seen = network("vit", dtype), batch(dtype=dtype), []
    name = str(dtype).removeprefix("torch.")
    with pytest.warns(UserWarning, match=rf"are {name}: rounding leaves most of w \+ ε at w.*would move \d+% of them"):
        method = SharpnessAware(model, sgd(model), "sam", "all", 0.05)

    def closure() -> Tensor:
        seen.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
        return functional.cross_entropy(model(x), y)

    method.step(closure)
    assert method.last is not None
    assert method.last.moved is not None
    assert float(method.last.moved) == pytest.approx(float((seen[1] != seen[0]).float().mean()), abs=1e-6)
    assert 0 < float(method.last.moved) < most
    # ε itself is of single precision.
    assert float(method.last.perturbation_norm) == pytest.approx(0.05, rel=1e-5)


@pytest.mark.filterwarnings("ignore:the perturbed weights are")
def test_a_scaler_cannot_unscale_weights_of_16_bits() -> None:
    model = network("vit", torch.float16)
    with pytest.raises(ValueError, match=r"a GradScaler can't unscale.*amp_dtype"):
        SharpnessAware(model, sgd(model), scaler=torch.amp.GradScaler("cpu"))


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ("flags\t\t: fpu sse2 avx2\n", False),
        ("flags\t\t: fpu avx512f avx512_bf16\n", True),
        ("flags\t\t: fpu amx_bf16 amx_tile\n", True),
        ("Features\t: fp asimd bf16\n", True),
        ("Features\t: fp asimd\n", False),
        ("", True),
    ],
)
def test_processors_without_units(described: str, expected: bool) -> None:
    assert has_units_for("bfloat16", described) is expected
    assert has_units_for("float32", described)


def test_a_processor_without_units_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.sam.passes.precision.has_units_for", lambda dtype: has_units_for(dtype, "flags : avx2"))
    model = network("vit", torch.float32)
    with pytest.warns(UserWarning, match="no units for bfloat16"):
        SharpnessAware(model, sgd(model), ascent_dtype=torch.bfloat16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SharpnessAware(model, sgd(model))
