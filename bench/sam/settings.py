"""Settings of a variant and a scope: defaults filled in, values checked, unknown names refused."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from bench.errors import shown
from bench.registry import Entry, Scalar
from bench.sam.variants.variant import Variant
from bench.validation import check


def resolve(entries: Mapping[str, Entry], given: Mapping[str, Scalar]) -> dict[str, dict[str, Scalar]]:
    """Settings of each entry, by its name. ValueError for a setting that none has, or of a wrong value."""
    known = sorted({setting for entry in entries.values() for setting in entry.settings})
    for setting in given:
        if setting not in known:
            names = " and ".join(entries)
            raise ValueError(f"setting {setting!r}: {names} have {', '.join(known) or 'no settings'}")
    return {name: _of_entry(name, entry, given) for name, entry in entries.items()}


def _of_entry(name: str, entry: Entry, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
    resolved: dict[str, Scalar] = {}
    for key, setting in entry.settings.items():
        value = given.get(key, setting.default)
        if setting.required and key not in given:
            raise ValueError(f"{name} needs {key} ({setting.summary}): it has no default")
        resolved[key], problem = check(setting.type, value)
        if problem:
            raise ValueError(f"{key} = {shown(value)} of {name} ({setting.summary}): {problem}")
    return resolved


def check_rho(rho: float) -> float:
    """ρ itself; ValueError unless it is a positive, finite number."""
    if not (math.isfinite(rho) and rho > 0):
        raise ValueError(
            f"rho = {rho!r}: the radius of the perturbation must be positive and finite; "
            "for no perturbation use the base optimizer alone"
        )
    return rho


def one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    """`value`; ValueError with the valid ones unless it is one of them."""
    if value not in choices:
        raise ValueError(f"{name} {value!r}: there are {', '.join(choices)}")
    return value


def check_share(
    share: float, ascent_dtype: torch.dtype | None, amp_dtype: torch.dtype | None, variant: Variant, name: str
) -> None:
    """ValueError for an approximation of pass 1 that is out of range or contradicts another setting."""
    if not 0 < share <= 1:
        raise ValueError(f"ascent_share = {share!r}: a share of the batch is above 0 and at most 1")
    if share < 1 and (variant.selects_samples or variant.selects_first):
        raise ValueError(
            f"ascent_share = {share!r} with variant {name}: it compares each sample's loss in both passes; "
            "use ascent_share = 1"
        )
    if variant.decides and (share < 1 or ascent_dtype is not None):
        given = f"ascent_share = {share!r}" if share < 1 else f"ascent_dtype = {ascent_dtype}"
        raise ValueError(
            f"{given} with variant {name}: its steps without pass 2 descend along the gradient of pass 1, which must "
            "be exact; leave it out"
        )
    if ascent_dtype is not None and amp_dtype is not None:
        raise ValueError(
            f"ascent_dtype = {ascent_dtype} with amp_dtype = {amp_dtype}: autocast sets the precision of "
            "both passes; give one of the two"
        )
