"""Checks at construction that a variant's declarations match the hooks it defines."""

from __future__ import annotations

from bench.sam.variants.variant import Variant


def check_hooks(variant: Variant, name: str) -> None:
    """ValueError for a variant without a hook that its declarations ask for."""
    if not isinstance(variant, Variant):
        raise ValueError(
            f"{name} is a {type(variant).__name__}, no variant: derive it from {Variant.__module__}.Variant"
        )
    wanted = {
        "direction": True,
        "recall": not variant.ascends,
        "offset": variant.wanders,
        "goes_on": variant.decides,
        "first_batch": variant.selects_first,
        "second_batch": variant.selects_samples,
    }
    for hook, asked in wanted.items():
        if asked and getattr(type(variant), hook) is getattr(Variant, hook):
            raise ValueError(f"{name} has no {hook}(…), which {_REASONS[hook]}")
    if variant.decides and not variant.full_gradient:
        raise ValueError(f"{name} decides after pass 1, and may descend along g: it must declare full_gradient = True")


_REASONS = {
    "direction": "every variant needs: it says along what the weights are perturbed",
    "recall": "ascends = False asks for",
    "offset": "wanders = True asks for",
    "goes_on": "decides = True asks for",
    "first_batch": "selects_first = True asks for",
    "second_batch": "selects_samples = True asks for",
}
