"""Late SAM (Zhou et al., ICLR 2025): the base optimizer alone, and a variant in the last epochs.

`late_sam: 0.875` beside any variant is another way to write `perturb_from`, as a share of the epochs, so that both give
one trial. The authors start with an empty momentum buffer then; here it goes on.
"""

from __future__ import annotations

from typing import Any

from bench.sweep.fields import LATE


def start_late(values: dict[str, Any]) -> None:
    """Give `perturb_from` its value."""
    values["perturb_from"] = round(values[LATE] * values["epochs"])
