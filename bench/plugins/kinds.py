"""KINDS: for each registry, what its names stand for, how sambench calls them, and what a plug-in declares."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bench import registry
from bench.errors import UserError
from bench.optim.library import LIBRARIES
from bench.registry import Entry


class PluginError(UserError, ValueError):
    """A plug-in that can't be used, with the reason and the way out."""


@dataclass(frozen=True, kw_only=True)
class PluginKind:
    """What the names of one registry stand for, and how sambench calls it."""

    record: type[Entry]
    plural: str
    base: str = ""
    """`package.module:Class` that its classes derive from; empty: anything that can be called."""
    hooks: Mapping[str, tuple[str, bool] | None] = field(default_factory=dict)
    """Methods that the base leaves open, and the attribute, with its value, that asks for one; None: always."""
    positional: int = 0
    """Arguments that it is called with, without a name"""
    keywords: tuple[str, ...] = ()
    """and by name; all others are settings."""
    reserved: tuple[str, ...] = ()
    """Words before a colon that mean something else."""
    describes: bool = True
    """Whether every setting has to be described; of a library's own classes, those that aren't are left alone."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Members of the record that a plug-in needn't tell."""

    @property
    def group(self) -> str:
        """Of entry points."""
        return f"sambench.{self.plural}"


_HOOKS = {
    "direction": None,
    "recall": ("ascends", False),
    "offset": ("wanders", True),
    "goes_on": ("decides", True),
    "finish": ("finishes", True),
    "first_batch": ("selects_first", True),
    "second_batch": ("selects_samples", True),
}

KINDS: dict[str, PluginKind] = {
    "variant": PluginKind(
        record=registry.VariantEntry,
        plural="variants",
        base="bench.sam.variants.variant:Variant",
        hooks=_HOOKS,
        positional=1,
        defaults={"passes": None},
    ),
    "scope": PluginKind(
        record=registry.ScopeEntry,
        plural="scopes",
        base="bench.sam.scopes.scope:Scope",
        hooks={"select": None},
        positional=1,
    ),
    "model": PluginKind(
        record=registry.ModelEntry,
        plural="models",
        keywords=("num_classes", "in_channels", "image_size"),
        defaults={"family": "", "stages": 0},
    ),
    "dataset": PluginKind(
        record=registry.ImagesEntry,
        plural="datasets",
        keywords=("image_size",),
        reserved=("fake", "folder", "parallel"),
    ),
    "augmentation": PluginKind(
        record=registry.AugmentationEntry, plural="augmentations", positional=2, keywords=("flip",)
    ),
    "optimizer": PluginKind(
        record=registry.OptimizerEntry,
        plural="optimizers",
        positional=1,
        keywords=("lr",),
        reserved=LIBRARIES,
        describes=False,
        defaults={"own_settings": True},
    ),
    "measure": PluginKind(record=registry.MeasureEntry, plural="measures", positional=1, defaults={"later": True}),
    "launcher": PluginKind(
        record=registry.LauncherEntry, plural="launchers", base="cluster.launcher:Launcher", hooks={"launch": None}
    ),
}

_NOT_TOLD = ("target", "summary", "settings", "files", "arguments", "fake", "parameters")


def facts_of(kind: PluginKind) -> list[str]:
    """Members of its record that a plug-in may tell."""
    return [each.name for each in fields(kind.record) if each.name not in _NOT_TOLD]


def lies_in(path: str, folder: Path) -> bool:
    """Whether the module of a path, or its package, is a file in that folder."""
    top = folder / path.partition(":")[0].partition(".")[0]
    return top.with_suffix(".py").is_file() or (top / "__init__.py").is_file()


def check_home(subject: str, path: str, folder: Path) -> None:
    """PluginError if the module of a path, which is imported, hides the file of that name in the folder."""
    module = path.partition(":")[0]
    file = Path(sys.modules[module].__file__ or "")
    if lies_in(path, folder) and not file.resolve().is_relative_to(folder.resolve()):
        top = module.partition(".")[0]
        raise PluginError(f"{subject}: {top} is {file} here, which hides that of {folder}: give yours another name")
