"""The light records that registries hold: names can be checked and listed without importing torch.

A registry is a literal dictionary from a name to a record, and each registry has a type of record, here. Adding a
variant, scope, model, data set, measure, optimizer or launcher is one file with the object and one such line;
`bench.plugins` finds those of users, which have no line.
"""

from bench.registry.methods import OptimizerEntry, ScopeEntry, VariantEntry
from bench.registry.problems import (
    CLASSIFICATION,
    IMAGENET_PIXELS,
    AugmentationEntry,
    DatasetEntry,
    ImagesEntry,
    Interpolation,
    ModelEntry,
    Preprocessing,
    PretrainedEntry,
    TaskEntry,
    TestSetEntry,
)
from bench.registry.record import Entry, Scalar, Setting
from bench.registry.work import LauncherEntry, MeasureEntry

__all__ = [
    "CLASSIFICATION",
    "IMAGENET_PIXELS",
    "AugmentationEntry",
    "DatasetEntry",
    "Entry",
    "ImagesEntry",
    "Interpolation",
    "LauncherEntry",
    "MeasureEntry",
    "ModelEntry",
    "OptimizerEntry",
    "Preprocessing",
    "PretrainedEntry",
    "Scalar",
    "ScopeEntry",
    "Setting",
    "TaskEntry",
    "TestSetEntry",
    "VariantEntry",
]
