"""sambench: benchmark sharpness-aware minimization, from a sweep file to a leaderboard.

| word | what it is |
|---|---|
| sweep | a YAML file: what is compared; the same file launches trials and selects their results |
| trial | one training run, every field resolved and frozen; its id is a hash of them |
| method | base optimizer × variant × scope × ρ |
| recipe | named base hyperparameters of a paper |
| paper | what one publication reports and how: numbers, table layouts, recipes, ρ tables |
| m | samples per ascent step and per norm-layer batch |
| launcher | `inline`, `ray` or `slurm`: how trials get onto processors |
| job | how the trials of one `run` are run: store, resources, retries, profile; made once, handed on whole |
| worker | the process that claims trials and runs them |
| claim | the lease on a trial: made atomically, kept by a heartbeat, taken over when stale |
| attempt | one try at a trial: where, when, with what, and how it ended |
| measure | a quantity taken of a trained model |
| store | the folder of Parquet files and checkpoints |
| bundle | a store as it was published, with what its readers need beside it; only read |
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
