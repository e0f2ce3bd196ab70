"""Spelling detail: what a sweep may write that is no field and no name: its keys, and words that stand for values."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from bench.cli.details.detail import Detail, pairs
from bench.resources import EarlyStopping, Resources, Retries
from bench.store.read.columns import described_fields
from bench.sweep.fields import FAST, LATE

_WORDS = {
    FAST: (
        "Short for precision: bfloat16, channels_last: true and tf32: true; each may be set otherwise beside it.",
        "grid: {fast: true}",
    ),
    LATE: (
        "Share of the epochs that the base optimizer trains alone, before the first perturbation; another way to "
        "write perturb_from.",
        "methods: [{variant: sam, scope: all, rho: 0.1, late_sam: 0.875}]",
    ),
    "equal-compute": (
        "As many epochs as give the base optimizer the passes that SAM takes.",
        "methods: [{epochs: equal-compute}]",
    ),
    "paper-grid": ("Every ρ that the paper searched.", "methods: [{variant: sam, scope: all, rho: paper-grid}]"),
    "choose": (
        "The best ρ of another sweep, once its results are there.",
        "methods: [{variant: sam, scope: all, rho: {choose: rho-cifar100}}]",
    ),
    "title": ("What the sweep shows, in a few words.", "title: SAM on digits"),
    "recipe": ("Base hyperparameters of a paper, by name; `sambench recipe` lists them.", "recipe: digits-resnet"),
    "grid": ("Fields whose values are all combined with each other.", "grid: {lr: [0.1, 0.2], seed: 3}"),
    "zip": ("Fields whose values advance together.", "zip: {model: [resnet8, resnet20], epochs: [2, 4]}"),
    "methods": ("Fields of each method; a list, of which each item is combined with the grid.", "methods: [{seed: 3}]"),
    "exclude": ("Combinations that are left out.", "exclude: [{variant: sam, batch_size: 64}]"),
    "blocks": ("Parts with a grid and methods of their own.", "blocks: [{grid: {lr: 0.1}, methods: [{seed: 3}]}]"),
    "measures": ("What is measured of each trained model.", "measures: [test_accuracy]"),
    "rows": ("Fields that a board has as lines.", "rows: [variant]"),
    "columns": ("Fields that a board has as columns.", "columns: [model]"),
    "guesses": ("What the paper leaves open, field by field, with why this value was taken.", "guesses: {lr: WHY}"),
}
"""Word → what it is, and a line that has it."""
_PARTS = {"resources": Resources, "retries": Retries, "early_stopping": EarlyStopping}


def spelling_details(name: str) -> Iterator[Detail]:
    """The word or key of this name, as far as there is one."""
    if name in _WORDS:
        yield _detail("word", name, *_WORDS[name])
    for part, kind in _PARTS.items():
        keys = described_fields(kind)
        if name == part:
            doc = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
            yield _detail("key", name, f"{doc} It has the keys {', '.join(keys)}.", f"{part}: {{…}}")
        elif name in keys:
            yield _detail("key", name, keys[name], f"{part}: {{{name}: …}}")


def spellings() -> list[str]:
    """All of their names."""
    return [*_WORDS, *_PARTS, *(name for kind in _PARTS.values() for name in described_fields(kind))]


def _detail(kind: str, name: str, summary: str, use: str) -> Detail:
    record = {"kind": kind, "name": name, "summary": summary, "use": use}
    return Detail(record, [Text(summary), pairs([("in a sweep", use)])])
