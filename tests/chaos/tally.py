"""Tally: what campaigns did and found, added up over as many runs as there are."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COUNTS = ("signals", "roles", "overlapping", "damages", "rounds", "trials", "answers")


@dataclass
class Tally:
    """Counts, each by what was counted."""

    signals: Counter[str] = field(default_factory=Counter)
    """`KIND SIGNAL`: those that surely reached a living process of ours."""
    roles: Counter[str] = field(default_factory=Counter)
    """`KIND ROLE`: processes that SIGKILL or SIGTERM reached."""
    overlapping: Counter[str] = field(default_factory=Counter)
    """`KIND`: of those, while workers held at least two trials at once."""
    damages: Counter[str] = field(default_factory=Counter)
    """By kind of file."""
    rounds: Counter[str] = field(default_factory=Counter)
    trials: Counter[str] = field(default_factory=Counter)
    """Trials that were done exactly once and are equal to the bit to undisturbed ones."""
    answers: Counter[str] = field(default_factory=Counter)
    """Answers of readers that were compared with the truth."""
    findings: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add another's counts."""
        for name in COUNTS:
            getattr(self, name).update(getattr(other, name))
        self.findings += other.findings

    def kills(self, kind: str = "") -> int:
        """Confirmed kills: SIGKILL and SIGTERM."""
        return sum(count for name, count in self.roles.items() if name.startswith(kind))

    def record(self, file: Path, **about: Any) -> None:
        """Append this as one line."""
        file.parent.mkdir(parents=True, exist_ok=True)
        # Not `asdict`, which takes the pairs of a Counter for its elements.
        counted = {name: dict(getattr(self, name)) for name in COUNTS}
        line = json.dumps({**about, **counted, "findings": self.findings}, sort_keys=True)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"{line}\n")
            lines.flush()
            os.fsync(lines.fileno())

    def lines(self) -> list[str]:
        """For people."""
        told = [f"{self.kills()} confirmed kills, {self.damages.total()} damages, {len(self.findings)} findings"]
        for name in COUNTS:
            counts: Counter[str] = getattr(self, name)
            listed = ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))
            told.append(f"  {name}: {counts.total()}{' = ' if listed else ''}{listed}")
        kinds = Counter(finding.partition(":")[0] for finding in self.findings)
        return told + [f"  findings: {count} × {kind}" for kind, count in kinds.items()]


def total(file: Path) -> Tally:
    """All that a file of lines records."""
    whole = Tally()
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        said = json.loads(line)
        whole.add(Tally(**{name: Counter(said[name]) for name in COUNTS}, findings=said["findings"]))
    return whole
