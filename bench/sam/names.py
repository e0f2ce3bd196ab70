"""Scope expressions such as `only_norm[2,3]`, and combinations of settings that contradict each other.

Free of torch: a sweep is checked with these before anything is trained.
"""

from __future__ import annotations

import re

from bench.sam.registry import SCOPES

_EXPRESSION = re.compile(r"(?P<name>[A-Za-z_][\w.:]*)\s*(?:\[(?P<stages>[^\[\]]*)\])?")


def parse_scope(expression: str) -> tuple[str, tuple[int, ...]]:
    """Split `only_norm[3,2]` into its name and the sorted stages, here `("only_norm", (2, 3))`.

    Stages are 1-based; none, `()`, means the whole network. Raises ValueError for anything that isn't a known
    scope, for stages of a scope that has none, and for stages that aren't distinct positive integers; PluginError for
    one of a user's own that can't be used.
    """
    match = _EXPRESSION.fullmatch(expression.strip())
    if match is None:
        raise ValueError(f"scope {expression!r}: write a name or a name with stages, as in only_norm[2,3]")
    name, stages = match["name"], match["stages"]
    try:
        name = SCOPES.canonical(name)
    except KeyError:
        raise ValueError(f"scope {expression!r}: no scope {name!r}; there are {', '.join(SCOPES)}") from None
    if stages is None:
        return name, ()
    if not SCOPES[name].stages:
        takers = ", ".join(key for key, entry in SCOPES.items() if entry.stages)
        raise ValueError(f"scope {expression!r}: {name} has no stages; those that take stages are {takers}")
    return name, _stages(expression, stages)


def canonical_scope(expression: str) -> str:
    """The one way of writing a scope: `only_norm[ 3, 2 ]` → `only_norm[2,3]`. Errors as `parse_scope`."""
    name, stages = parse_scope(expression)
    return f"{name}[{','.join(map(str, stages))}]" if stages else name


def _stages(expression: str, text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")]
    if not all(re.fullmatch(r"[0-9]+", word) and int(word) > 0 for word in words):
        raise ValueError(f"scope {expression!r}: stages are integers from 1 on, as in only_norm[2,3]")
    numbers = sorted(int(word) for word in words)
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"scope {expression!r}: a stage is named twice")
    return tuple(numbers)


def check_compatible(
    *, scope: str, trainable: str = "all", weight_decay_on: str = "all", norm_dropout: float = 0.0
) -> None:
    """Raise ValueError if two of these settings exclude each other; it names both and the way out."""
    name, _ = parse_scope(scope)
    present = {f"scope: {name}", f"trainable: {trainable}", f"weight_decay_on: {weight_decay_on}"}
    present |= {"norm_dropout"} if norm_dropout > 0 else set()
    for pair, message in _CLASHES:
        if pair <= present:
            raise ValueError(message)


_CLASHES = (
    (
        {"trainable: freeze_norm", "scope: only_norm"},
        "trainable: freeze_norm fixes what scope: only_norm perturbs; use trainable: all, or scope: all",
    ),
    (
        {"trainable: only_norm", "scope: no_norm"},
        "trainable: only_norm freezes all that scope: no_norm perturbs; use trainable: all, or scope: all",
    ),
    (
        {"trainable: only_norm", "weight_decay_on: no_norm"},
        "trainable: only_norm leaves weight_decay_on: no_norm nothing to decay; use weight_decay_on: all, or none",
    ),
    (
        {"trainable: freeze_norm", "norm_dropout"},
        "trainable: freeze_norm fixes γ = 1 and β = 0, which norm_dropout would drop; use norm_dropout: 0, "
        "or trainable: all",
    ),
)
