"""Plug-ins: the user's own objects in place of registry names, as `package.module:Attribute` or an entry point.

An entry point of the group `sambench.variants`, `sambench.models`, … is another name of the path that it leads to, so
that one class has one identity. Whether a plug-in may be imported is for the command to say: `plan`, `run`, `measure`,
`list` and workers do, all others take what is recorded of it. Nothing here is heavy.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.errors import unknown
from bench.plugins.kinds import KINDS, PluginError, check_home, facts_of, lies_in
from bench.registry import Entry

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

EntryT = TypeVar("EntryT", bound=Entry)
ObjectT = TypeVar("ObjectT")

_WORD = re.compile(r"[\w.-]+")
"""A name that an entry point may have."""
_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


_FACTS = {name for kind in KINDS.values() for name in facts_of(kind)}


def about(**facts: Any) -> Callable[[ObjectT], ObjectT]:
    """Declare the attributes of a function's record, such as `num_classes=10`; a class declares them as its own."""
    for name in facts:
        if name not in _FACTS:
            raise TypeError(unknown("attribute of a record", name, sorted(_FACTS)))

    def decorate(described: ObjectT) -> ObjectT:
        for name, value in facts.items():
            setattr(described, name, value)
        return described

    return decorate


class Registry(Mapping[str, EntryT]):
    """The lines of one kind, and whatever else a path names; in the order of the lines, and without the others."""

    def __init__(self, kind: str, own: dict[str, EntryT], library: Callable[[str], EntryT] | None = None) -> None:
        """`library` finds what is neither; KeyError for what it doesn't know."""
        self.kind = kind
        self.own = own
        """Those that come with sambench."""
        self._library = library
        self._of_library: dict[str, EntryT] = {}

    def __getitem__(self, name: str) -> EntryT:
        if name in self.own:
            return self.own[name]
        if self.is_path(name):
            return entry_of(self.kind, name)  # type: ignore[return-value]
        if self._library is None:
            raise KeyError(name)
        found = self._of_library[name] = self._library(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.own)

    def __len__(self) -> int:
        return len(self.own)

    def is_path(self, name: str) -> bool:
        """Whether a name is written as the path of a plug-in."""
        return _PATH.fullmatch(name) is not None and name.partition(":")[0] not in KINDS[self.kind].reserved

    def may_look_up(self, name: str) -> bool:
        """Whether a name that isn't its own may be a path, an entry point or of the library."""
        if name in self.own:
            return False
        return self.is_path(name) or self._library is not None or _WORD.fullmatch(name) is not None

    def canonical(self, name: str) -> str:
        """The one name of what `name` stands for; KeyError if nothing has it, PluginError if that can't be used."""
        try:
            self[name]
        except KeyError:
            name = _path_of(self.kind, name)
            self[name]
        if _lookup.imports and _lookup.folder is not None and self.is_path(name):
            # Of two sweeps in one process, each may have a module of that name.
            check_home(f"{self.kind} {name}", name, _lookup.folder)
        return name

    def looked_up(self) -> list[EntryT]:
        """Those that aren't its own, as far as somebody asked for them."""
        found = (entry for (kind, _), entry in _lookup.found.items() if kind == self.kind)
        plugins = [entry for entry in found if not isinstance(entry, PluginError)]
        return [*self._of_library.values(), *plugins]  # type: ignore[list-item]


@dataclass
class Recorded:
    """What a store knows of a plug-in."""

    kind: str
    entry: Entry
    name: str
    """Of its entry point, if it had one."""


@dataclass
class _Lookup:
    imports: bool = False
    recorded: Callable[[], list[Recorded]] = list
    folder: Path | None = None
    """Of the sweep that is read."""
    found: dict[tuple[str, str], Entry | PluginError] = field(default_factory=dict)

    def reset(self, **values: Any) -> None:
        """As new, but for these."""
        vars(self).update(vars(_Lookup(**values)))
        _all_entry_points.cache_clear()


_lookup = _Lookup()


def import_them() -> None:
    """From now on plug-ins are imported, by the command or worker that this process is."""
    _lookup.reset(imports=True)


def take_recorded(recorded: Callable[[], list[Recorded]]) -> None:
    """From now on what is recorded of plug-ins is all that is known of them."""
    _lookup.reset(recorded=recorded)


@contextmanager
def beside(folder: Path) -> Iterator[None]:
    """Look for plug-ins in this folder too, which is that of the sweep at hand."""
    before, _lookup.folder = _lookup.folder, folder.absolute()
    try:
        yield
    finally:
        _lookup.folder = before


@contextmanager
def importing() -> Iterator[None]:
    """Import what is named: the user's own program asks for it."""
    before, _lookup.imports = _lookup.imports, True
    # What was wrong may be mended.
    _lookup.found = {key: found for key, found in _lookup.found.items() if not isinstance(found, PluginError)}
    try:
        yield
    finally:
        _lookup.imports = before


def work_in(folder: str | None) -> None:
    """Of a worker: import plug-ins, also from the folder that the job names."""
    if not _lookup.imports:
        import_them()
    if folder is not None:
        add_to_path(Path(folder))


def add_to_path(folder: Path) -> None:
    """Find modules in a folder, after all others, so that none of them is hidden."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
        importlib.invalidate_caches()


def entry_of(kind: str, path: str) -> Entry:
    """The record of what a path names; PluginError if it can't be used, which is found out once."""
    if (kind, path) not in _lookup.found:
        try:
            _lookup.found[kind, path] = _imported(kind, path) if _lookup.imports else _recorded(kind, path)
        except PluginError as error:
            _lookup.found[kind, path] = error
    found = _lookup.found[kind, path]
    if isinstance(found, PluginError):
        raise found
    return found


def entry_points_of(kind: str) -> dict[str, EntryPoint]:
    """Entry points of a kind by name, also of those that several distributions have; each is of the first."""
    return {each.name: each for each in reversed(_entry_points(KINDS[kind].group))}


def entry_point_to(kind: str, path: str) -> str:
    """Name of an entry point that leads to a path; empty if there is none."""
    return next((name for name, each in entry_points_of(kind).items() if each.value.replace(" ", "") == path), "")


def _imported(kind: str, path: str) -> Entry:
    # Here, because pydantic takes longer to import than most commands need, few of which name a plug-in.
    from bench.plugins.declaration import read

    folder = _lookup.folder
    if folder is not None and lies_in(path, folder):
        add_to_path(folder)
    return read(kind, path, folder)


def _recorded(kind: str, path: str) -> Entry:
    found = [each.entry for each in _lookup.recorded() if (each.kind, each.entry.target) == (kind, path)]
    if not found:
        raise PluginError(
            f"{kind} {path} isn't recorded in the store, and none but plan, run, measure and list import it: "
            "run the sweep first"
        )
    return found[-1]


def _path_of(kind: str, name: str) -> str:
    """Where an entry point leads to; KeyError if there is none."""
    paths = {each.value.replace(" ", "") for each in _entry_points(KINDS[kind].group) if each.name == name}
    if not paths and not _lookup.imports:
        paths = {each.entry.target for each in _lookup.recorded() if (each.kind, each.name) == (kind, name)}
    if len(paths) > 1:
        raise PluginError(f"{kind} {name!r}: several distributions have it: write {' or '.join(sorted(paths))}")
    if not paths:
        raise KeyError(name)
    return paths.pop()


def _entry_points(group: str) -> tuple[EntryPoint, ...]:
    return _all_entry_points().get(group, ())


@cache
def _all_entry_points() -> dict[str, tuple[EntryPoint, ...]]:
    """Of our groups; at once, since each look into all packages takes milliseconds."""
    # Here, because it takes longer to import than all else that most commands need.
    from importlib.metadata import entry_points

    found = entry_points()
    ours = found.groups & {kind.group for kind in KINDS.values()}
    return {group: tuple(found.select(group=group)) for group in ours}
