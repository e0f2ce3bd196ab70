"""Plug-in use: which plug-ins a sweep or a trial names, and where these come from."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from bench.fingerprint import has_source, of_object
from bench.fingerprint.syntax import NoSource, file_of
from bench.measures import MEASURES
from bench.measures.names import parse
from bench.plugins import Recorded, Registry, entry_of, entry_point_to
from bench.plugins.kinds import lies_in
from bench.sweep.fields import REGISTRIES
from bench.sweep.file.source import Source
from bench.trial import Trial


class PluginName(NamedTuple):
    """A plug-in, by its kind and path."""

    kind: str
    path: str


def look_up(source: Source) -> bool:
    """Look up the plug-ins that a sweep names, so that their settings are known; whether all of them can be used.

    Those that can't are reported later, each with its place in the file.
    """
    written = dict.fromkeys((field, name) for field in REGISTRIES for name in source.named(field))
    # No short cut after the first that fails: the settings of all others must still be known.
    usable = [_is_usable(REGISTRIES[field], name.partition("[")[0].strip()) for field, name in written]
    return all(usable)


def _is_usable(registry: Registry[Any], name: str) -> bool:
    try:
        if registry.may_look_up(name):
            registry.canonical(name)
    except KeyError:
        return True
    except ValueError:
        return False
    return True


def named(trials: Collection[Trial], measures: Iterable[str] = ()) -> list[PluginName]:
    """The plug-ins that trials and measures name, each once."""
    combinations = dict.fromkeys(map(attrgetter(*REGISTRIES), trials))
    found = {
        PluginName(registry.kind, name): None
        for registry, values in zip(REGISTRIES.values(), zip(*combinations, strict=True), strict=False)
        for name in (value.partition("[")[0] for value in dict.fromkeys(values))
        if registry.is_path(name)
    }
    taken = (parse(each).measure for each in measures)
    return [*found, *(PluginName("measure", name) for name in dict.fromkeys(taken) if MEASURES.is_path(name))]


def declared(names: Iterable[PluginName]) -> list[Recorded]:
    """The record and name of each plug-in, for the store."""
    return [Recorded(kind, entry_of(kind, path), entry_point_to(kind, path)) for kind, path in names]


def folder_of(names: Iterable[PluginName], folder: Path) -> str | None:
    """The folder, if any of the plug-ins is a file there."""
    return str(folder.absolute()) if any(lies_in(each.path, folder) for each in names) else None


def origins(names: Iterable[PluginName]) -> dict[str, dict[str, str]]:
    """Path → distribution and version, where it is of one, file, and a digest of the source."""
    return {each.path: dict(_origin(each.path)) for each in names}


def _origin(path: str) -> Iterator[tuple[str, str]]:
    # Here, because it takes longer to import than all else that most commands need.
    from importlib.metadata import version

    module = path.partition(":")[0]
    with suppress(NoSource):
        yield "file", str(file_of(module))
    if has_source(path):
        yield "digest", of_object(path)
    for name in _distributions(tuple(sys.path)).get(module.partition(".")[0], ())[:1]:
        yield "distribution", name
        yield "version", version(name)


@lru_cache(maxsize=4)
def _distributions(folders: tuple[str, ...]) -> Mapping[str, list[str]]:
    """Module or package → what it was installed with, in these folders of the path.

    To find that takes a fifth of a second: every file of every distribution is looked at.
    """
    from importlib.metadata import packages_distributions

    return packages_distributions()
