"""Recorded scene: many writers on one store, with compaction, merge, export and measuring beside them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.store import Store, query, read_exported
from tests.chaos import oracle
from tests.chaos.recorded import Place, measured_value
from tests.chaos.scene import Scene
from tests.chaos.tally import Tally
from tests.chaos.truth import Truth


class Recorded(Scene):
    """Kills are cheap here: processes are forked, and no network is trained."""

    kind = "recorded"
    pause = 0.1

    def __init__(
        self, folder: Path, truth: Truth, seed: int, tally: Tally, *, writers: int, roles: tuple[str, ...]
    ) -> None:
        super().__init__(folder, truth, seed, tally)
        self.place = Place(truth, self.store, folder / "merged", folder / "exported" / "results.parquet", seed)
        self.wanted = Counter(dict.fromkeys(roles, 1)) + Counter(writer=writers)

    def staff(self) -> None:
        """Keep every role filled."""
        there = Counter(child.role for child in self.household.children.values())
        for role in (self.wanted - there).elements():
            self.household.fork(role, self.place.role(role))

    def end(self) -> None:
        """Writers end by themselves, the other roles never."""
        deadline = time.monotonic() + 300
        while any(child.role == "writer" for child in self.household.children.values()) and time.monotonic() < deadline:
            self._tend()
            time.sleep(0.02)
        for child in self.household.children.values():
            if child.role != "writer":
                child.disturbed = True
                child.process.kill(9)

    def judge(self) -> Iterator[str]:
        """Also what merge and export made, each after one run that nobody disturbs."""
        place = self.place
        yield from oracle.leftovers(self.store, ("compact", "--store", self.store), oracle.clear_up(self.store))
        yield from super().judge()
        yield from wrong_measures(self.store)
        if "merge" in self.wanted:
            Store.create(place.merged)
            unite = ("store", "merge", self.store, "--into", place.merged)
            yield from oracle.leftovers(place.merged, unite, oracle.clear_up(place.merged))
            yield from (f"{finding} (merged)" for finding in oracle.whole(place.merged, self.truth))
            yield from wrong_measures(place.merged)
        if "export" in self.wanted:
            clean = ("store", "export", place.exported, "--store", self.store)
            yield from oracle.leftovers(place.exported.parent, clean)
            rows = read_exported(str(place.exported)).select(["trial_id", "test_accuracy"]).to_pylist()
            exported = {row["trial_id"]: row["test_accuracy"] for row in rows}
            if exported != self.truth.accuracy:
                yield f"wrong number: the exported file has {len(exported)} trials"


def wrong_measures(store: Path) -> Iterator[str]:
    """Later measures that aren't there once, with the value that was taken."""
    sql = "SELECT trial_id, count(*) AS times, max(value) AS value FROM measures WHERE measure = 'sharpness' GROUP BY 1"
    for row in query(Store.open(store), sql).to_pylist():
        if row["times"] != 1 or row["value"] != measured_value(row["trial_id"]):
            yield f"wrong number: sharpness of {row['trial_id']} is {row['value']}, {row['times']} times in {store}"
