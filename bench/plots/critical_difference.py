"""The critical-difference diagram of a ranking (Demšar 2006, Fig. 1): bars join methods that can't be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from bench.board.inference import p_text
from bench.board.rank.scores import Scores
from bench.board.rank.standings import Ranking
from bench.errors import UserError
from bench.plots.drawing import save

mpl.use("Agg")


def draw_ranking(scores: Scores, ranking: Ranking, outputs: Sequence[Path]) -> None:
    """Write the diagram to every path; UserError where there is no test to draw."""
    if ranking.critical is None or ranking.p is None:
        raise UserError("--plot: a critical difference needs three methods and two tasks that have results of all")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 1.4 + 0.28 * len(scores.methods)), layout="constrained")
    _diagram(axes, ranking)
    axes.set_title(
        f"{scores.board.title}\naverage rank by {scores.board.metric.name}, {len(scores.complete)} tasks; "
        f"Friedman {p_text(ranking.p)}; critical difference {ranking.critical:.2f} (Nemenyi, 5 %)",
        fontsize=9,
        wrap=True,
    )
    save(figure, outputs)


def _diagram(axes: Any, ranking: Ranking) -> None:
    from pandas import DataFrame
    from scikit_posthocs import critical_difference_diagram

    names = [each.method for each in ranking.placed]
    table = DataFrame([[ranking.pairs.get((a, b), 1.0) for b in names] for a in names], index=names, columns=names)
    critical_difference_diagram(
        {each.method: each.rank for each in ranking.placed}, table, ax=axes, label_props={"fontsize": 9}
    )
