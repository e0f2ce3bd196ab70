"""CORPORA: parallel text that data sets name, as light records."""

from __future__ import annotations

from typing import Annotated, Any

from annotated_types import Ge

from bench.data.files.location import DataFiles
from bench.registry import DatasetEntry, Setting

_PREPARED: dict[str, Any] = {
    "target": "bench.data.text.preparation:load",
    "task": "translation",
    "validated": True,
    "settings": {
        "bpe_merges": Setting(
            type=Annotated[int, Ge(0)],
            default=10_000,
            summary="number of byte-pair merges, learned on both languages together",
        )
    },
}

CORPORA: dict[str, DatasetEntry] = {
    "iwslt14_de_en": DatasetEntry(
        **_PREPARED,
        summary="160,000 sentence pairs from talks, German to English; 7,000 validation, 6,750 test",
        source="Cettolo et al. 2012, WIT³; IWSLT 2014",
        files="bench.data.text.iwslt:IWSLT14",
    ),
    "ding_de_en": DatasetEntry(
        **_PREPARED,
        summary="14,543 sentence pairs from a dictionary, German to English; 692 validation, 693 test",
        source="Ding, TU Chemnitz; Debian's trans-de-en 1.9",
        files="bench.data.text.ding:DING",
    ),
    "toy_translation": DatasetEntry(
        target="bench.data.text.toy:load",
        summary="512 sentences of a made-up language, translated word by word in reverse order; 64 validation, 64 test",
        task="translation",
        validated=True,
    ),
}


def parallel(path: str) -> DatasetEntry:
    """The record of `parallel:PATH`; DataError for a path that can't be one."""
    from bench.data.text.parallel import ParallelFiles

    files: DataFiles = ParallelFiles(path)
    return DatasetEntry(**_PREPARED, summary=f"the sentence pairs in {path}", arguments=(files,))
