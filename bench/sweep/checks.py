"""Checks: fields of a trial that must fit each other.

A check looks at completed values and gives the problem that it finds: the fields at fault, the one to point at
first, and what is wrong with the way out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from bench import data, models
from bench.data import AUGMENTATIONS
from bench.library import entry as library_entry
from bench.library import is_library
from bench.models import MODELS
from bench.optimizers import OPTIMIZERS
from bench.registry import CLASSIFICATION, Entry, ImagesEntry, OptimizerEntry
from bench.sam import SCOPES, VARIANTS, check_compatible, parse_scope
from bench.sweep.fields import REGISTRIES
from bench.tasks import TASKS, of_dataset
from bench.trial import DEFAULTS, NONE


class Mismatch(NamedTuple):
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


def task(values: Values) -> Mismatch | None:
    """Whether the model solves what the data set poses, and no field is set that means nothing there."""
    name, model = values["dataset"], values["model"]
    posed, solved = data.entry(name).task, models.entry(model).task
    if posed != solved:
        valid = ", ".join(each for each, entry in MODELS.items() if entry.task == posed)
        return Mismatch(("model", "dataset"), f"{name} is for {posed} and {model} for {solved}; choose one of {valid}")
    for field, reason in TASKS[posed].without.items():
        if values[field] != DEFAULTS[field]:
            return Mismatch((field, "dataset"), f"{field} has no meaning for {posed}: {reason}; drop it")
    return None


def micro_batches(values: Values) -> Mismatch | None:
    """Whether m divides the batch, where it is in the same unit."""
    m, batch_size = values["m"], values["batch_size"]
    if m is None or batch_size % m == 0 or not of_dataset(values["dataset"]).divides_batch:
        return None
    return Mismatch(("m",), f"m = {m} does not divide batch_size = {batch_size}; choose a divisor")


def images(values: Values) -> Mismatch | None:
    """Whether data set, augmentation and model agree on the size of the images."""
    name, augment = values["dataset"], values["augment"]
    found = data.entry(name)
    if not isinstance(found, ImagesEntry):
        return None
    own, any_size = found.image_size, found.any_size
    size = values["image_size"] or own
    if size != own and not any_size:
        return Mismatch(("image_size",), f"{name} has images of {own}×{own} pixels, not {size}×{size}; drop image_size")
    if any_size and AUGMENTATIONS[augment].same_size:
        message = f"{augment} needs images of one size, and those of {name} differ; use inception or none"
        return Mismatch(("augment", "dataset"), message)
    unfit = models.check_image_size(values["model"], size)
    return Mismatch(("model", "image_size", "dataset"), f"{unfit} as {name} has") if unfit else None


def preprocessing(values: Values) -> Mismatch | None:
    """Whether the model says how its images are prepared, where it shall."""
    if values["preprocessing"] != "model":
        return None
    unfit = models.check_preprocessing(values["model"], values["init_from"])
    return Mismatch(("preprocessing", "model"), unfit) if unfit else None


def precision(values: Values) -> Mismatch | None:
    """Whether the ascent pass is lowered twice."""
    if "float32" in (values["precision"], values["ascent_dtype"]):
        return None
    message = f"precision {values['precision']} holds for both passes; drop ascent_dtype, or precision"
    return Mismatch(("ascent_dtype", "precision"), message)


def schedule(values: Values) -> Mismatch | None:
    """Whether the warm-up ends before the training does, is told once and in the unit of the rate, and it falls."""
    if values["warmup_steps"] and values["lr_per"] == "epoch":
        message = "the learning rate changes once an epoch; add lr_per: step, or give the warm-up in epochs"
        return Mismatch(("warmup_steps", "lr_per"), f"warmup_steps = {values['warmup_steps']}, and {message}")
    if values["warmup_steps"] and values["warmup_epochs"]:
        message = f"a warm-up of {values['warmup_steps']} steps and of {values['warmup_epochs']} epochs; keep one"
        return Mismatch(("warmup_steps", "warmup_epochs"), message)
    if values["warmup_epochs"] and values["warmup_epochs"] >= values["epochs"]:
        message = f"{values['warmup_epochs']} of {values['epochs']} epochs leave no epoch at the full learning rate"
        return Mismatch(("warmup_epochs", "epochs"), f"{message}; lower warmup_epochs")
    if values["min_lr"] > values["lr"]:
        return Mismatch(("min_lr", "lr"), f"min_lr = {values['min_lr']:g} is above lr = {values['lr']:g}; lower it")
    return None


def decay(values: Values) -> Mismatch | None:
    """Whether a library's optimizer has a weight decay, if it shall."""
    name = values["optimizer"]
    if is_library(name) and values["weight_decay"] and not library_entry(name).decays:
        return Mismatch(("weight_decay", "optimizer"), f"{name} has no weight decay; write weight_decay: 0")
    return None


def settings(values: Values) -> Mismatch | None:
    """Whether a setting of what isn't ours is that of one entry alone."""
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
        known = f"has stages 1 to {there}, not {stages[-1]}" if there else "says of no stages; leave them out"
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


CHECKS: tuple[Callable[[Values], Mismatch | None], ...] = (
    task, micro_batches, images, preprocessing, precision, schedule, method, radius, base_optimizer, decay, settings
)  # fmt: skip
"""All of them; each stands alone, so that a sweep's faults are reported together."""


def find_problems(values: Values) -> list[Mismatch]:
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
        "label_noise", "val_fraction", "init_from", "drop_last", "channels_last", "compile",
        "batch_size", "m", "dataset", "augment", "image_size", "preprocessing", "model", "precision", "ascent_dtype",
        "warmup_epochs", "epochs", "min_lr", "lr", "variant", "optimizer", "scope", "rho", "trainable",
        "weight_decay_on", "norm_dropout", "lr_min", "rho_min", "warmup_lr", "warmup_steps", "lr_schedule", "lr_per",
        "cooldown_epochs", "momentum", "nesterov", "beta1", "beta2", "weight_decay",
    }
)  # fmt: skip
"""Fields that a check looks at."""
