"""How fast the store answers: after compaction with a million results, before it with 10,000, and one result recorded.

`--quick` takes 10,000 compacted results and 1,000 loose ones. Commands are timed as whole processes, reads inside
one. The million is written as compact files directly, since training it would take a while.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from claims import tell

from bench.store import Attempt, Store, compact, connect, query
from bench.store.attempt import record
from bench.store.compacted import manifest
from bench.store.compacted import part as parts
from bench.store.read.snapshot import take
from bench.store.read.tables import TABLES, load_loose
from bench.store.results import write_history, write_measures
from bench.store.upkeep.compact import publish_part
from bench.sweep import load
from bench.trial import SCHEMA, Trial

SWEEP = Path(__file__).resolve().parent.parent / "sweeps" / "demo.yaml"
AGGREGATE = """
    SELECT dataset, model, variant, scope, rho, avg(test_accuracy), stddev_samp(test_accuracy), count(*)
    FROM results WHERE outcome = 'done' GROUP BY ALL ORDER BY ALL
"""
MANY = """
title: many seeds
grid: {{dataset: digits, model: resnet8, batch_size: 64, epochs: 10, lr: 0.1, weight_decay: 5e-4, seed: {count}}}
methods: [{{optimizer: sgd}}]
measures: [test_accuracy]
"""
KEYS = {
    "dataset": "['cifar10', 'cifar100', 'svhn', 'imagenet'][1 + n % 4]",
    "model": "'model_' || (n // 4 % 20)",
    "variant": "['none', 'sam', 'fisher', 'layerwise_l2'][1 + n // 80 % 4]",
    "scope": "['all', 'only_norm', 'no_norm'][1 + n // 320 % 3]",
    "rho": "0.01 * (1 + n // 960 % 20)",
    "seed": "n // 19200",
}
"""Field → its value in the n-th synthetic result."""


def seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """Median wall seconds of a few rounds, after one that isn't counted."""
    times = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def timed(name: str, at_most: float, work: Callable[[], object], rounds: int = 5) -> None:
    """Tell how long something takes."""
    tell(name, seconds(work, rounds), at_most=at_most, unit=" s")


def ended(trial: Trial, number: int = 1) -> Attempt:
    now = datetime.now(UTC)
    return Attempt(
        trial_id=trial.trial_id, attempt=number, outcome="done", started=now, ended=now, wall_s=100.0, train_s=90.0,
        epochs=trial.epochs, launcher="inline", host="host", pid=1, device="cpu", git_commit="0" * 40,
    )  # fmt: skip


def finish(store: Store, trial: Trial) -> float:
    """Record a trial as a worker does; seconds of the record alone."""
    folder = store.folder(trial.trial_id)
    write_measures(folder, {"test_accuracy": 90.0 + trial.seed / 10})
    write_history(folder, [{"epoch": epoch, "train_loss": 1.0 / epoch} for epoch in range(1, 4)])
    started = time.perf_counter()
    record(folder, ended(trial))
    return time.perf_counter() - started


def multiply(store: Store, count: int) -> None:
    """Write a part with `count` results that are like the store's first one, under other ids and keys."""
    live = manifest.current(store.root)
    keys = ", ".join(f"{sql} AS {field}" for field, sql in KEYS.items())
    with duckdb.connect(":memory:") as connection:
        load_loose(connection, "fold", store, take(store), TABLES)
        for table in ("trials", "attempts", "history", "measures", "results"):
            source = connection.execute(
                f"SELECT DISTINCT trial_id FROM read_parquet({live.paths('trials')!r}) LIMIT 1"
            ).fetchone()
            assert source is not None
            connection.execute(
                f"CREATE TABLE one_{table} AS SELECT * FROM read_parquet({live.paths(table)!r}) WHERE trial_id = $id",
                {"id": source[0]},
            )
        connection.execute(
            f"""CREATE TABLE made AS SELECT *, substr(sha256(n::VARCHAR), 1, 16) AS trial_id
            FROM (SELECT range AS n, {keys} FROM range({count}))"""
        )

        def rows(table: str) -> str:
            own = {"trials": [*KEYS], "results": [*KEYS, "test_accuracy"], "measures": ["value"]}.get(table, [])
            accuracy = "80 + n % 1000 / 50.0"
            new = {"trial_id": "made.trial_id", "test_accuracy": accuracy, "value": accuracy}
            new |= {field: f"made.{field}" for field in KEYS}
            replaced = ", ".join(f"{new[field]} AS {field}" for field in ["trial_id", *own])
            return f"SELECT one.* REPLACE ({replaced}) FROM made, one_{table} AS one"

        written = parts.write(connection, live, rows)
    publish_part(live, written)


def command(*arguments: str) -> Callable[[], object]:
    """A command as a process of its own."""
    return lambda: subprocess.run([sys.executable, "-m", "bench", *arguments], check=True, capture_output=True)


def compacted(folder: Path, count: int) -> None:
    """The demo's trials and `count` others, all compacted."""
    store, sweep = Store.create(folder), load(SWEEP, {})
    store.add(sweep.trials)
    for trial in sweep.trials:
        finish(store, trial)
    compact(store)
    multiply(store, count)
    total = query(store, "SELECT count(*) AS n FROM results").column("n")[0].as_py()
    assert total == count + len(sweep.trials)
    size = sum(path.stat().st_size for path in (folder / "compact").glob("*.parquet"))
    print(f"{total:,} results after compaction, {size / total:.0f} bytes each with history of 3 epochs")
    with connect(store, ["results"]) as connection:
        timed("mean and std by five keys", 0.1, lambda: connection.execute(AGGREGATE).fetchall())
    timed("the same, opening the store", 0.3, lambda: query(store, AGGREGATE))
    timed(f"`board` on {count:,} results", 1.5, command("board", str(SWEEP), "--store", str(folder)), 3)
    timed(f"`status` on {count:,} results", 1.5, command("status", str(SWEEP), "--store", str(folder)), 3)


def uncompacted(folder: Path, count: int) -> None:
    """`count` trials in folders of their own."""
    store, sweep = Store.create(folder), folder.with_suffix(".yaml")
    sweep.write_text(MANY.format(count=count))
    trials = load(sweep, {}).trials
    for trial in trials:
        # As `Store.add` and `finish`, without waiting for the disk each time.
        place = store.folder(trial.trial_id)
        place.attempts.mkdir(parents=True)
        place.trial.write_text(json.dumps({"schema": SCHEMA, "trial_id": trial.trial_id, "fields": trial.as_dict()}))
    recorded = [finish(store, trial) for trial in trials]
    tell("recording one result, flushed", statistics.median(recorded) * 1000, at_most=5, unit=" ms")
    timed(f"query of {count:,} loose trials", 2.0, lambda: query(store, AGGREGATE))
    for name in ("board", "status"):
        timed(f"`{name}` on {count:,} loose trials", 2.0, command(name, str(sweep), "--store", str(folder)), 3)
    started = time.perf_counter()
    assert compact(store).trials == count
    print(f"compacting them: {time.perf_counter() - started:.1f} s")
    timed("the same query, compacted", 0.3, lambda: query(store, AGGREGATE))


def main() -> None:
    """Print every figure beside its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 compacted results, 1,000 loose ones.")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        compacted(Path(folder) / "compacted", 10_000 if quick else 1_000_000)
        uncompacted(Path(folder) / "loose", 1_000 if quick else 10_000)


if __name__ == "__main__":
    main()
