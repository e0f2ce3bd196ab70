"""Checks of a training: data, model, batches, precision and schedule must fit each other."""

from __future__ import annotations

from bench import data, models
from bench.data.augmentations import AUGMENTATIONS
from bench.models import MODELS
from bench.registry import ImagesEntry
from bench.sweep.checks.mismatch import Mismatch, Values
from bench.tasks import TASKS, of_dataset
from bench.trial import DEFAULTS


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
    """Whether the model says how its images are prepared, where that is asked of it."""
    if values["preprocessing"] != "model":
        return None
    unfit = models.check_preprocessing(values["model"], values["init_from"])
    return Mismatch(("preprocessing", "model"), unfit) if unfit else None


def precision(values: Values) -> Mismatch | None:
    """Whether the precision of the ascent pass is lowered twice."""
    if "float32" in (values["precision"], values["ascent_dtype"]):
        return None
    message = f"precision {values['precision']} holds for both passes; drop ascent_dtype, or precision"
    return Mismatch(("ascent_dtype", "precision"), message)


def schedule(values: Values) -> Mismatch | None:
    """Whether the warm-up is given once, in the unit of the rate, ends early enough, and the rate falls after it."""
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
