"""Which stage of the network each parameter belongs to, from the model's `segments()`.

A segment may be a method that uses several modules. It owns the parameters that no other segment has and that
are registered between those of its neighbours in the chain: what precedes the first block belongs to the
embedding, what follows the last one to the final norm and head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

Link = tuple[int, Callable[[Tensor], Tensor]]
"""Stage, and a module or method on activations."""


def has_chain(model: nn.Module) -> bool:
    """Whether the model says of which segments it is made, rather than have something else of that name."""
    segments = getattr(model, "segments", None)
    if not callable(segments) or isinstance(segments, nn.Module):
        return False
    try:
        links = segments()
    except TypeError:  # it wants arguments
        return False
    return isinstance(links, Sequence) and len(links) > 0 and all(_is_link(link) for link in links)


def _is_link(link: object) -> bool:
    return isinstance(link, tuple) and len(link) == 2 and isinstance(link[0], int) and callable(link[1])


def chain(model: nn.Module) -> Sequence[Link]:
    """The model's segments in order of execution."""
    segments: Callable[[], Sequence[Link]] | None = getattr(model, "segments", None)
    assert segments is not None, "asked of models with a chain only"
    return segments()


def parameter_stages(model: nn.Module) -> dict[str, int]:
    """Stage of every parameter by name. ValueError if the model has no `segments()`."""
    if not has_chain(model):
        raise ValueError(
            f"{type(model).__name__} has no stages: give it a segments() method, a list of (stage, module) "
            "in order of execution, or leave the stages out of the scope"
        )
    parts = [(number, _owned(module)) for number, module in chain(model)]
    owners = {parameter: place for place, (_, owned) in enumerate(parts) for parameter in owned or ()}
    methods = [place for place, (_, owned) in enumerate(parts) if owned is None]
    stages, reached = {}, -1
    for name, parameter in model.named_parameters():
        reached = owners.get(parameter, reached)
        place = reached if parameter in owners else _next_method(methods, reached)
        stages[name] = parts[place][0]
    return stages


def _owned(module: object) -> list[nn.Parameter] | None:
    return list(module.parameters()) if isinstance(module, nn.Module) else None


def _next_method(methods: list[int], reached: int) -> int:
    following = [place for place in methods if place > reached]
    if following:
        return following[0]
    # Registered after the last method's neighbours: nothing later in the chain can own it.
    return methods[-1] if methods else max(reached, 0)
