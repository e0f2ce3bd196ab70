"""Checks of a method: variant, scope, ρ and base optimizer must fit each other."""

from __future__ import annotations

from typing import Any

from bench import data, models
from bench.optim.library import entry as library_entry
from bench.optim.library import is_library
from bench.optim.registry import OPTIMIZERS
from bench.registry import CLASSIFICATION, Entry, OptimizerEntry
from bench.sam import SCOPES, VARIANTS, check_compatible, parse_scope
from bench.sweep.checks.mismatch import Mismatch, Values
from bench.sweep.fields import REGISTRIES
from bench.trial import NONE


def decay(values: Values) -> Mismatch | None:
    """Whether a library's optimizer has the weight decay that is asked of it."""
    name = values["optimizer"]
    if is_library(name) and values["weight_decay"] and not library_entry(name).decays:
        return Mismatch(("weight_decay", "optimizer"), f"{name} has no weight decay; write weight_decay: 0")
    return None


def settings(values: Values) -> Mismatch | None:
    """Whether a plug-in's setting has the name of another entry's setting."""
    owners: dict[str, str] = {}
    for field, registry in REGISTRIES.items():
        name = values[field].partition("[")[0]
        entry = registry.get(name)
        for setting in entry.settings if entry else ():
            other = owners.setdefault(setting, field)
            if other != field and not (name in registry.own and values[other] in REGISTRIES[other].own):
                both = f"{values[other]} and {values[field]} both have a setting {setting}"
                return Mismatch((field, other), f"{both}, and one value can't be that of both; choose others")
    return None


def method(values: Values) -> Mismatch | None:
    """Whether variant, scope, ρ and stages belong together."""
    if values["variant"] == NONE:
        return _plain(values)
    if values["rho"] is None:
        return Mismatch(("variant",), f"variant {values['variant']} needs a rho beside it")
    scope = values["scope"]
    subsets = {name: values[name] for name in ("trainable", "weight_decay_on", "norm_dropout")}
    try:
        check_compatible(scope=scope, **subsets)
    except ValueError as error:
        return Mismatch(("scope", "variant"), str(error))
    name, stages = parse_scope(scope)
    if SCOPES[name].samples and data.entry(values["dataset"]).task != CLASSIFICATION:
        return Mismatch(("scope", "dataset"), f"{name} estimates its mask on classes of images; choose another scope")
    there = models.entry(values["model"]).stages
    if stages and stages[-1] > there:
        known = f"has stages 1 to {there}, not {stages[-1]}" if there else "has no stages; leave them out"
        return Mismatch(("scope", "variant"), f"{values['model']} {known}")
    return None


def _plain(values: Values) -> Mismatch | None:
    alone = f"{values['optimizer']} alone perturbs nothing"
    if values["scope"] != NONE:
        return Mismatch(("scope",), f"a scope without a variant: {alone}; add a variant or drop scope")
    if values["rho"] is not None:
        way_out = "add a variant, or give the plain optimizer a method line of its own"
        return Mismatch(("rho",), f"a ρ without a variant: {alone}; {way_out}")
    return None


def radius(values: Values) -> Mismatch | None:
    """Whether a radius that follows the learning rate stays within its range."""
    entry, rho = VARIANTS.get(values["variant"]), values["rho"]
    if entry is None or not {"lr_min", "rho_min"} <= entry.settings.keys():
        return None
    given: list[Any] = [values.get(name, entry.settings[name].default) for name in ("lr_min", "rho_min")]
    floor, least = given
    lowest = _lowest_rate(values)
    if _is_number(floor) and floor > lowest:
        message = f"lr_min = {floor:g} is above the schedule's lowest learning rate, {lowest:g}, where ρ would leave"
        return Mismatch(("lr_min", "min_lr"), f"{message} its range; lower lr_min, or raise min_lr and warmup_lr")
    if _is_number(least) and _is_number(rho) and least > rho:
        return Mismatch(("rho_min", "rho"), f"rho_min = {least:g} is above rho = {rho:g}; lower it")
    return None


def _lowest_rate(values: Values) -> float:
    """The least that the learning rate can become."""
    constant = values["lr_schedule"] == "constant" and not values["cooldown_epochs"]
    least = values["lr"] if constant else values["min_lr"]
    warms_up = values["warmup_epochs"] or values["warmup_steps"]
    return min(least, values["warmup_lr"]) if warms_up else least


def base_optimizer(values: Values) -> Mismatch | None:
    """Whether the variant works on the base optimizer."""
    variant, name = values["variant"], values["optimizer"]
    entry, optimizer = VARIANTS.get(variant), OPTIMIZERS.get(name)
    if entry is None or optimizer is None:
        return None
    return _NEEDS[entry.base](variant, name, optimizer, values)


def _any_base(variant: str, name: str, optimizer: OptimizerEntry, values: Values) -> Mismatch | None:
    return None


def _momentum(variant: str, name: str, optimizer: OptimizerEntry, values: Values) -> Mismatch | None:
    fields = ("variant", "optimizer")
    if not optimizer.momentum:
        takers = ", ".join(key for key, each in OPTIMIZERS.items() if each.momentum)
        return Mismatch(fields, f"{variant} looks along the momentum, and {name} isn't known to keep one; use {takers}")
    if _setting(values, optimizer, "nesterov"):
        return Mismatch(("nesterov", *fields), f"{variant} looks ahead itself, and so does nesterov: drop it")
    if _setting(values, optimizer, optimizer.momentum) == 0:
        message = f"{variant} looks along the momentum, and {optimizer.momentum} = 0 leaves none; choose one above 0"
        return Mismatch((optimizer.momentum, *fields), message)
    return None


def _bare(variant: str, name: str, optimizer: OptimizerEntry, values: Values) -> Mismatch | None:
    bases = ", ".join(key for key, each in OPTIMIZERS.items() if each.descends)
    wanted = f"{variant} is an optimizer of its own: its base is {bases} with momentum: 0 and weight_decay: 0"
    if not optimizer.descends:
        return Mismatch(("optimizer", "variant"), f"{wanted}, not {name}")
    if _setting(values, optimizer, optimizer.momentum):
        return Mismatch((optimizer.momentum, "variant"), f"{wanted}; set {optimizer.momentum} to 0")
    if values["weight_decay"]:
        return Mismatch(("weight_decay", "variant"), f"{wanted}; set weight_decay to 0 (delta is its own decay)")
    return None


def _setting(values: Values, entry: Entry, name: str) -> Any:
    return values.get(name, entry.settings[name].default) if name in entry.settings else None


_NEEDS = {"any": _any_base, "momentum": _momentum, "bare": _bare}
"""What a variant needs of the base optimizer → the check."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
