"""Versions: what a bundle's results were made with, from their records, and how to install that again."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from bench.store import Store, connect

PINNED = ("sambench", "torch", "torchvision", "numpy", "timm")
"""Packages of which every attempt records the version."""
_FACTS = (
    *PINNED, "python", "cuda", "platform", "device_type", "device", "threads", "world_size", "git_commit", "git_dirty",
    "git_diff",
)  # fmt: skip

_NAME = re.compile(r"[\w.-]+")


def made_with(store: Store) -> list[dict[str, Any]]:
    """Each combination of facts that done trials were made with, and how many, the most frequent first."""
    facts = ", ".join(_FACTS)
    select = f"SELECT count(*) AS trials, {facts} FROM results WHERE outcome = 'done' GROUP BY ALL ORDER BY ALL"
    with connect(store, ["results"]) as connection:
        rows: list[dict[str, Any]] = connection.sql(select).to_arrow_table().to_pylist()
    return sorted(rows, key=lambda row: -row["trials"])


def versions_csv(rows: list[dict[str, Any]]) -> str:
    """The combinations, a line each."""
    sink = io.StringIO()
    writer = csv.DictWriter(sink, ["trials", *_FACTS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue()


def requirements(rows: list[dict[str, Any]]) -> str:
    """What `pip install -r` takes: the recorded versions of most results, and of the rest those that are here.

    The rest is what the recorded packages need; it is told only where these are the same here.
    """
    first = rows[0]
    pinned = [f"{name}=={first[name]}" for name in PINNED if first[name] and name != "sambench"]
    head = [
        f"# Recorded by {first['trials']} of {sum(row['trials'] for row in rows)} done trials: "
        f"Python {first['python']}, sambench {first['sambench']} at commit {first['git_commit'] or 'unknown'}.",
        *pinned,
    ]
    if any(_installed(name) != first[name] for name in PINNED if first[name]):
        return "\n".join([*head, "# The bundle was made elsewhere: no further version is known.", ""])
    rest = sorted(name for name in _needed("sambench") if name not in PINNED)
    here = [f"{name}=={_installed(name)}" for name in rest]
    return "\n".join(
        [*head, "# Not recorded, but installed where the bundle was made, with the same versions.", *here, ""]
    )


def fingerprints(store: Store) -> str:
    """Code → the fingerprint of each of its parts and how many done trials it made, as JSON."""
    select = """SELECT code, any_value(code_parts), count(*) FROM results
        WHERE outcome = 'done' AND code IS NOT NULL GROUP BY code ORDER BY code"""
    with connect(store, ["results"]) as connection:
        rows = connection.execute(select).fetchall()
    told = {code: {"trials": count, "parts": json.loads(parts or "{}")} for code, parts, count in rows}
    return json.dumps(told, indent=1, sort_keys=True) + "\n"


def _needed(name: str) -> set[str]:
    """The installed distributions that one needs, and those that they need."""
    found: set[str] = set()
    todo = [*_requires(name)]
    while todo:
        each = todo.pop()
        if each not in found and _installed(each) is not None:
            found.add(each)
            todo += _requires(each)
    return found


def _requires(name: str) -> Iterator[str]:
    """What a distribution needs without extras; what it needs on other machines alone isn't installed."""
    for text in metadata.requires(name) or ():
        if "extra ==" not in text and (found := _NAME.match(text)):
            yield re.sub(r"[-_.]+", "-", found[0]).lower()


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
