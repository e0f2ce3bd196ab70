"""The sharpness-aware step: VARIANTS (how ε is made of the gradient) and SCOPES (what ε touches).

Both registries are light: nothing here imports torch, so that a sweep can be checked and listed without it.
`SharpnessAware`, the public class, is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.sam.names import canonical_scope, check_compatible, parse_scope
from bench.sam.registry import SCOPES, VARIANTS

if TYPE_CHECKING:
    from bench.sam.step import SharpnessAware

__all__ = ["SCOPES", "VARIANTS", "SharpnessAware", "canonical_scope", "check_compatible", "parse_scope"]


def __getattr__(name: str) -> Any:
    if name != "SharpnessAware":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bench.sam.step import SharpnessAware  # torch enters here, not when the registries are read

    return SharpnessAware
