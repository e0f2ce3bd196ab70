"""Compacting: fold finished trials during a run and at its end, so that reading stays fast."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from bench.errors import UserError
from bench.store import Store, compact
from bench.store.upkeep.compact import MANY

INTERVAL = 300.0
"""Seconds between two looks during a run: each reads what isn't compacted."""

_log = logging.getLogger(__name__)


@contextmanager
def compacting(store: Store) -> Iterator[None]:
    """Compact the store every few minutes inside, and once more after it, when enough trials are loose."""
    over = threading.Event()

    def look_now_and_then() -> None:
        while not over.wait(INTERVAL):
            compact_if_many(store)

    thread = threading.Thread(target=look_now_and_then, daemon=True, name="compaction")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    compact_if_many(store)


def compact_if_many(store: Store) -> None:
    """Compact the store if enough trials are loose; a store that can't be compacted must not end a run."""
    try:
        compact(store, at_least=MANY)
    except (OSError, RuntimeError, UserError, duckdb.Error, pa.ArrowException) as error:
        _log.warning("%s: not compacted, which only makes reading slower: %s", store.root, error)
