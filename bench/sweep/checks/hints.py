"""Hints: what is worth knowing about a valid combination."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench import data
from bench.resources import has_units_for
from bench.sam import VARIANTS
from bench.trial import NONE


def hints_on(values: dict[str, Any]) -> Iterator[str]:
    """`SUBJECT: WHAT`, of data that is random, precisions that are emulated, and methods known second hand."""
    if data.entry(values["dataset"]).fake:
        yield f"{values['dataset']}: random images, from which nothing can be learned"
    for dtype in {values["precision"], values["ascent_dtype"]}:
        if not has_units_for(dtype):
            slow = "a trial on it takes several times as long as in float32; a GPU is not affected"
            yield f"{dtype}: this machine's processor has no units for it, and {slow}"
    if values["variant"] != NONE and (unsure := VARIANTS[values["variant"]].unsure):
        yield f"{values['variant']}: {unsure}"
