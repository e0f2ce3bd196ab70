"""Checks: fields of a trial that must fit each other.

A check looks at completed values and gives the problem that it finds: the fields at fault, the one to point at
first, and what is wrong with the way out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from bench import data, models
from bench.data import AUGMENTATIONS
from bench.sam import check_compatible, parse_scope
from bench.trial import NONE


class Problem(NamedTuple):
    """What a check found."""

    fields: tuple[str, ...]
    message: str


Values = dict[str, Any]


class Missing(Exception):
    """A value was asked for that isn't known."""


class Known(dict[str, Any]):
    """Values of which some are at fault or missing: what looks at one of these is left out, the others still judge."""

    def __missing__(self, name: str) -> Any:
        raise Missing(name)


def micro_batches(values: Values) -> Problem | None:
    """Whether m divides the batch."""
    m, batch_size = values["m"], values["batch_size"]
    if m is None or batch_size % m == 0:
        return None
    return Problem(("m",), f"m = {m} does not divide batch_size = {batch_size}; choose a divisor")


def images(values: Values) -> Problem | None:
    """Whether data set, augmentation and model agree on the size of the images."""
    name, augment = values["dataset"], values["augment"]
    found = data.entry(name)
    own, any_size = found.image_size, found.any_size
    size = values["image_size"] or own
    if size != own and not any_size:
        return Problem(("image_size",), f"{name} has images of {own}×{own} pixels, not {size}×{size}; drop image_size")
    if any_size and AUGMENTATIONS[augment].same_size:
        message = f"{augment} needs images of one size, and those of {name} differ; use inception or none"
        return Problem(("augment", "dataset"), message)
    unfit = models.check_image_size(values["model"], size)
    return Problem(("model", "image_size", "dataset"), f"{unfit} as {name} has") if unfit else None


def preprocessing(values: Values) -> Problem | None:
    """Whether the model says how its images are prepared, where it shall."""
    if values["preprocessing"] != "model":
        return None
    unfit = models.check_preprocessing(values["model"], values["init_from"])
    return Problem(("preprocessing", "model"), unfit) if unfit else None


def precision(values: Values) -> Problem | None:
    """Whether the ascent pass is lowered twice."""
    if "float32" in (values["precision"], values["ascent_dtype"]):
        return None
    message = f"precision {values['precision']} holds for both passes; drop ascent_dtype, or precision"
    return Problem(("ascent_dtype", "precision"), message)


def schedule(values: Values) -> Problem | None:
    """Whether the warm-up ends before the training does, and the rate falls."""
    if values["warmup_epochs"] and values["warmup_epochs"] >= values["epochs"]:
        message = f"{values['warmup_epochs']} of {values['epochs']} epochs leave no epoch at the full learning rate"
        return Problem(("warmup_epochs", "epochs"), f"{message}; lower warmup_epochs")
    if values["min_lr"] > values["lr"]:
        return Problem(("min_lr", "lr"), f"min_lr = {values['min_lr']:g} is above lr = {values['lr']:g}; lower it")
    return None


def method(values: Values) -> Problem | None:
    """Whether variant, scope, ρ and stages belong together."""
    if values["variant"] == NONE:
        return _plain(values)
    if values["rho"] is None:
        return Problem(("variant",), f"variant {values['variant']} needs a rho beside it")
    scope = values["scope"]
    subsets = {name: values[name] for name in ("trainable", "weight_decay_on", "norm_dropout")}
    try:
        check_compatible(scope=scope, **subsets)
    except ValueError as error:
        return Problem(("scope", "variant"), str(error))
    _, stages = parse_scope(scope)
    there = models.entry(values["model"]).stages
    if stages and stages[-1] > there:
        known = f"has stages 1 to {there}, not {stages[-1]}" if there else "says of no stages; leave them out"
        return Problem(("scope", "variant"), f"{values['model']} {known}")
    return None


def _plain(values: Values) -> Problem | None:
    alone = f"{values['optimizer']} alone perturbs nothing"
    if values["scope"] != NONE:
        return Problem(("scope",), f"a scope without a variant: {alone}; add a variant or drop scope")
    if values["rho"] is not None:
        way_out = "add a variant, or give the plain optimizer a method line of its own"
        return Problem(("rho",), f"a ρ without a variant: {alone}; {way_out}")
    return None


CHECKS: tuple[Callable[[Values], Problem | None], ...] = (
    micro_batches,
    images,
    preprocessing,
    precision,
    schedule,
    method,
)
"""All of them; each stands alone, so that a sweep's faults are reported together."""


def find_problems(values: Values) -> list[Problem]:
    """What all checks find that know the values they look at."""
    found = []
    for check in CHECKS:
        try:
            problem = check(values)
        except Missing:
            continue
        if problem:
            found.append(problem)
    return found


CHECKED = frozenset(
    {
        "batch_size", "m", "dataset", "augment", "image_size", "preprocessing", "model", "precision", "ascent_dtype",
        "warmup_epochs", "epochs", "min_lr", "lr", "variant", "optimizer", "scope", "rho", "trainable",
        "weight_decay_on", "norm_dropout",
    }
)  # fmt: skip
"""Fields that a check looks at."""
