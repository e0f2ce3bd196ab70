"""Spelling detail: a sweep's keys, and words that stand for values."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from bench.cli.details.detail import Detail, pairs
from bench.resources import EarlyStopping, Resources, Retries
from bench.store.read.columns import described_fields
from bench.sweep.fields import FAST, LATE

_WORDS = {
    FAST: (
        "Short for precision: bfloat16, channels_last: true and tf32: true; each can still be set separately.",
        "grid: {fast: true}",
    ),
    LATE: (
        "Share of the epochs to train with the base optimizer alone before the first perturbation; another way to "
        "write perturb_from.",
        "methods: [{variant: sam, scope: all, rho: 0.1, late_sam: 0.875}]",
    ),
    "equal-compute": (
        "The number of epochs in which the base optimizer takes as many passes as the variants beside it.",
        "methods: [{epochs: equal-compute}]",
    ),
    "paper-grid": ("Every ρ that the paper searched.", "methods: [{variant: sam, scope: all, rho: paper-grid}]"),
    "choose": (
        "The best ρ of another sweep, once it has results.",
        "methods: [{variant: sam, scope: all, rho: {choose: rho-cifar100}}]",
    ),
    "title": ("What the sweep shows, in a few words.", "title: SAM on digits"),
    "recipe": ("Base hyperparameters of a paper, by name; `sambench recipe` lists them.", "recipe: digits-resnet"),
    "grid": ("Fields whose values are all combined with each other.", "grid: {lr: [0.1, 0.2], seed: 3}"),
    "zip": ("Fields whose values advance together.", "zip: {model: [resnet8, resnet20], epochs: [2, 4]}"),
    "methods": ("Fields of each method: a list whose items are each combined with the grid.", "methods: [{seed: 3}]"),
    "exclude": ("Combinations to leave out.", "exclude: [{variant: sam, batch_size: 64}]"),
    "blocks": (
        "Parts of the sweep with their own grid and methods.",
        "blocks: [{grid: {lr: 0.1}, methods: [{seed: 3}]}]",
    ),
    "measures": ("What to measure of each trained model.", "measures: [test_accuracy]"),
    "rows": ("Fields that make up the rows of the board.", "rows: [variant]"),
    "columns": ("Fields that make up the columns of the board.", "columns: [model]"),
    "guesses": ("What the paper leaves open, field by field, and why this value was chosen.", "guesses: {lr: WHY}"),
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
            yield _detail("key", name, f"{doc} Keys: {', '.join(keys)}.", f"{part}: {{…}}")
        elif name in keys:
            yield _detail("key", name, keys[name], f"{part}: {{{name}: …}}")


def spellings() -> list[str]:
    """All of their names."""
    return [*_WORDS, *_PARTS, *(name for kind in _PARTS.values() for name in described_fields(kind))]


def _detail(kind: str, name: str, summary: str, use: str) -> Detail:
    record = {"kind": kind, "name": name, "summary": summary, "use": use}
    return Detail(record, [Text(summary), pairs([("in a sweep", use)])])
