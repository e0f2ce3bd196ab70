"""PLOTS: the plots of a sweep's results, as light records; matplotlib is imported when one is drawn.

Each is a function of a `Drawing` that fills its figure. Which one a sweep wants by default follows from what it varies.
"""

from __future__ import annotations

from bench.registry import Entry
from bench.trial import Trial

FORMATS = ("png", "svg", "pdf")

PLOTS: dict[str, Entry] = {
    "rho": Entry(target="bench.plots.rho:draw", summary="metric over ρ for each scope", source="Figs. 1, 2, 6, 7, 10"),
    "runtime": Entry(
        target="bench.plots.runtime:draw",
        summary="metric over time per epoch, relative to the base optimizer's",
        source="Fig. 3",
    ),
    "m": Entry(
        target="bench.plots.micro_batches:draw",
        summary="metric over m, a line for each batch size and scope",
        source="Fig. 4, right",
    ),
    "sparsity": Entry(
        target="bench.plots.sparsity:draw",
        summary="metric over the share of entries that is not perturbed",
        source="Figs. 4 (left) and 8",
    ),
    "weights": Entry(
        target="bench.plots.weights:draw",
        summary="histograms of the weights by kind of layer, as `sambench measure` has counted them",
        source="Figs. 5 and 9",
    ),
    "dropout": Entry(
        target="bench.plots.dropout:draw",
        summary="metric over the rate of dropout on norm layers",
        source="Fig. 11, left",
    ),
    "decay": Entry(
        target="bench.plots.decay:draw", summary="metric by what weight decay is on", source="Fig. 11, right"
    ),
    "training": Entry(target="bench.plots.training:draw", summary="loss and quality over epochs"),
    "differences": Entry(
        target="bench.plots.differences:draw",
        summary="only_norm − all with 95 % confidence intervals, paired over seeds",
    ),
    "pareto": Entry(
        target="bench.plots.pareto:draw",
        summary="metric over what the training cost, in passes and in time, with the front",
    ),
}


def default_kind(trials: tuple[Trial, ...]) -> str:
    """The plot that fits what the trials vary."""
    if len({trial.norm_dropout for trial in trials}) > 1:
        return "dropout"
    if len({trial.weight_decay_on for trial in trials}) > 1:
        return "decay"
    if len({trial.m for trial in trials}) > 1:
        return "m"
    if len({trial.setting("sparsity") for trial in trials if "sparsity" in dict(trial.settings)}) > 1:
        return "sparsity"
    radii: dict[tuple[str, str], set[float]] = {}
    for trial in trials:
        if trial.rho is not None:
            radii.setdefault((trial.variant, trial.scope), set()).add(trial.rho)
    return "rho" if any(len(tried) > 1 for tried in radii.values()) else "runtime"
