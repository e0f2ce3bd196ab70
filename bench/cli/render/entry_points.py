"""Entry points: what installed distributions add to a registry, for `sambench list`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint

from bench import plugins
from bench.plugins.kinds import KINDS, PluginError
from bench.registry import Entry


@dataclass(frozen=True, kw_only=True)
class Added:
    """An entry point, with its record or why it has none."""

    name: str
    path: str
    distribution: str
    """With its version."""
    entry: Entry | None
    fault: str = ""


def added(plural: str) -> Iterator[Added]:
    """Entry points of a catalog, each imported; one that can't be used is told as such."""
    kind = next((kind for kind, each in KINDS.items() if plural in (each.plural, _CALLED.get(kind))), None)
    if kind is None:
        return
    plugins.import_them()
    for name, point in sorted(plugins.entry_points_of(kind).items()):
        yield _looked_up(kind, name, point)


_CALLED = {"dataset": "data"}


def _looked_up(kind: str, name: str, point: EntryPoint) -> Added:
    path = point.value.replace(" ", "")
    distribution = f"{point.dist.name} {point.dist.version}" if point.dist else ""
    try:
        return Added(name=name, path=path, distribution=distribution, entry=plugins.entry_of(kind, path))
    except PluginError as error:
        return Added(name=name, path=path, distribution=distribution, entry=None, fault=str(error))
