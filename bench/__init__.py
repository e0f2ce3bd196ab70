"""sambench: benchmark sharpness-aware minimization, from a sweep file to a leaderboard.

| word | what it is |
|---|---|
| sweep | a YAML file that says what to compare; the same file launches trials and selects their results |
| trial | one training run with every field resolved and frozen; its id is a hash of the fields |
| method | base optimizer × variant × scope × ρ |
| recipe | a paper's base hyperparameters, under a name |
| paper | what one publication reports: numbers, table layouts, recipes, ρ tables |
| m | samples per ascent step and per norm-layer batch |
| launcher | how trials get onto processors: `inline`, `ray` or `slurm` |
| job | how one `run` executes its trials: store, resources, retries, profile; created once and passed on as a whole |
| worker | a process that claims trials and runs them |
| claim | a lease on a trial: created atomically, kept by a heartbeat, taken over when stale |
| attempt | one try at a trial: where, when, with which code, and how it ended |
| measure | a quantity measured on a trained model |
| store | a folder of Parquet files, weights and checkpoints |
| bundle | a published, read-only store together with what its readers need |
| board | the leaderboard: mean ± std over seeds |

The flow is the tree: `sweep` → `trial` → `cluster` → `train` → `store` → `board`.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`bench.open(PATH)`: results, boards and figures of a store, for notebooks; loaded when it is asked for."""
    if name != "open":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    # By its name, because the rest of the project stands on this module.
    return import_module("bench.notebook").open_analysis
