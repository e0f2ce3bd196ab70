"""The contract of a variant: what it lacks is said when it is built, and hooks are called where the page says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bench.registry import VariantEntry
from bench.sam import VARIANTS, SharpnessAware
from bench.sam.variants.sam import Sam
from bench.sam.variants.variant import Variant
from tests.sam.references.networks import batch, network, sgd

CALLS: list[str] = []


class Everything(Sam):
    """Tells which hooks are called, of SAM with every declaration that goes with the others."""

    full_gradient = True
    finishes = True
    decides = True
    wanders = True
    selects_first = True

    def __getattribute__(self, name: str) -> Any:
        if name in HOOKS:
            CALLS.append(name)
        return super().__getattribute__(name)

    def offset(self, names: list[str], weights: list[Tensor], place: int) -> list[Tensor]:
        return [torch.zeros_like(weight) for weight in weights]

    def first_batch(self, batch: Any) -> Any:
        return batch

    def goes_on(self, squared_norm: Tensor) -> Tensor:
        assert squared_norm.dim() == 0
        return squared_norm > 0


HOOKS = (
    "perturbs", "radius", "choose", "first_batch", "offset", "summand", "goes_on", "direction", "step_size", "moved",
    "finish", "after_update",
)  # fmt: skip


def method_of(kind: type[Variant], monkeypatch: pytest.MonkeyPatch, **options: Any) -> SharpnessAware:
    entry = VariantEntry(target=f"{__name__}:{kind.__name__}", summary="a test's")
    monkeypatch.setitem(globals(), kind.__name__, kind)
    monkeypatch.setitem(VARIANTS.own, "mine", entry)
    model = network("groupnorm")
    return SharpnessAware(model, sgd(model), "mine", **options)


def test_hooks_are_called_in_the_order_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    method = method_of(Everything, monkeypatch, m=4)
    CALLS.clear()
    method.step_batch(*batch(8), functional.cross_entropy)
    first, second = ["first_batch", "offset", "summand"], ["direction", "step_size", "moved"]
    assert [
        "perturbs", "radius", "choose",
        *first, *first, "goes_on", *second, *second, "finish", "after_update",
    ] == CALLS  # fmt: skip


class NoDirection(Variant):
    """Has nothing."""


class NoRecall(Sam):
    ascends = False


class NoOffset(Sam):
    wanders = True


class NoDecision(Sam):
    decides = True
    full_gradient = True


class NoGradient(Sam):
    decides = True

    def goes_on(self, squared_norm: Tensor) -> Tensor:
        return squared_norm > 0


class NoSamples(Sam):
    selects_first = True


LACKING: dict[type[Variant], str] = {
    NoDirection: r"mine has no direction\(…\), which every variant needs",
    NoRecall: r"mine has no recall\(…\), which ascends = False asks for",
    NoOffset: r"mine has no offset\(…\), which wanders = True asks for",
    NoDecision: r"mine has no goes_on\(…\), which decides = True asks for",
    NoGradient: r"mine decides after pass 1.* declare full_gradient = True",
    NoSamples: r"mine has no first_batch\(…\), which selects_first = True asks for",
}


@pytest.mark.parametrize("kind", LACKING, ids=lambda kind: kind.__name__)
def test_what_a_variant_lacks_is_said_as_it_is_built(kind: type[Variant], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=LACKING[kind]):
        method_of(kind, monkeypatch)


@pytest.mark.parametrize("scope", ["random", "ssam_d"])
def test_a_perturbation_that_spills_out_of_a_mask_is_cut_off(scope: str, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[dict[str, Tensor]] = []

    class Spilling(Sam):
        def direction(
            self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
        ) -> tuple[list[Tensor], Tensor]:
            return [g + 1 for g in gradients], torch.ones((), dtype=gradients[0].dtype)

        def moved(self, names: list[str], perturbation: list[Tensor]) -> None:
            moved.append(dict(zip(names, perturbation, strict=True)))

    method = method_of(Spilling, monkeypatch, scope=scope)
    method.step_batch(*batch(8), functional.cross_entropy)
    masks = method._scope.masks
    assert all(not epsilon[~masks[name]].any() for name, epsilon in moved[0].items())
    assert any(epsilon.any() for epsilon in moved[0].values())
