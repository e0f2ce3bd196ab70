"""Packages: whose `bench` and `cluster` Python finds first, as these are common names."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.cli.render.terminal import fail

OURS = Path(__file__).resolve().parent.parent.parent
REMEDY = "uninstall the distribution that it belongs to, or take its folder from PYTHONPATH"


def foreign(name: str) -> Path | None:
    """Where another package of this name lies that Python's path has before ours."""
    specs = (finder.find_spec(name, None) for finder in sys.meta_path if hasattr(finder, "find_spec"))
    found = next(filter(None, specs), None)
    places = [found.origin or "", *(found.submodule_search_locations or ())] if found else []
    other = next((Path(place) for place in places if place), OURS / name)
    return None if other.resolve().is_relative_to(OURS / name) else other


def refuse_foreign() -> None:
    """End the command if `cluster` would be another's; the command `sambench` takes its own whatever the path has."""
    if "cluster" not in sys.modules and (other := foreign("cluster")):
        fail(f"`cluster` is {other} here, not sambench's: {REMEDY}, or run the command `sambench`, which takes its own")
