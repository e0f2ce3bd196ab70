"""Fingerprint: a digest of the code behind an object, read from its source without importing it.

From the object's own statement the names that it uses are followed, through the modules of its package, to every
statement that it can reach; functions and classes count whole. Left out are docstrings, comments, layout, annotations
of arguments, and the lines of registries: which of them are in play, a trial says, and each has its own fingerprint.
"""

from __future__ import annotations

import ast
import hashlib
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import lru_cache

from bench.fingerprint.syntax import Module, NoSource, Use, read_module
from bench.registry import Entry

DIGITS = 12
"""Hexadecimal digits of a fingerprint."""

_NO_CODE = frozenset(
    {"summary", "source", "settings", "arguments", "parameters", "passes", "base", "unsure", "momentum", "descends"}
)
"""Members of a record that the code doesn't act on, or that a trial says itself."""
_OURS = __name__.partition(".")[0]
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


@lru_cache(maxsize=4096)
def of_object(target: str, cut: frozenset[str] = frozenset()) -> str:
    """The fingerprint of `package.module:name` or `package.module:Class.method`.

    `cut` are objects, written in the same way, that have fingerprints of their own; `module:` is all of a module. Of a
    module outside ours all of it counts, since nobody knows how it is written.
    """
    module, _, name = target.partition(":")
    package = module.partition(".")[0]
    walk = _Walk(package, cut)
    walk.reach(module, name if package == _OURS else "")
    return digest(f"{place}\n{text}" for place, text in sorted(walk.found.items()))


def has_source(target: str) -> bool:
    """Whether the module of `package.module:name` is here as source."""
    return _read(target.partition(":")[0]) is not None


def of_entry(entry: Entry, cut: frozenset[str] = frozenset()) -> str:
    """The fingerprint of what a line of a registry stands for, and of what the line says of it."""
    # Not what is at its default, so that a new member changes nothing.
    said = [(each.name, getattr(entry, each.name)) for each in fields(entry) if each.name not in _NO_CODE]
    defaults = {each.name: each.default for each in fields(entry)}
    return digest([repr([pair for pair in said if pair[1] != defaults[pair[0]]]), of_object(entry.target, cut)])


def digest(texts: Iterable[str]) -> str:
    """One fingerprint of several texts."""
    found = hashlib.sha256()
    for text in texts:
        found.update(text.encode())
        found.update(b"\0")
    return found.hexdigest()[:DIGITS]


class _Walk:
    """What can be reached, each statement once."""

    def __init__(self, package: str, cut: frozenset[str]) -> None:
        self.found: dict[str, str] = {}
        """Where a statement stands → what it says."""
        self._package, self._cut = package, cut
        self._seen: set[tuple[str, str]] = set()

    def reach(self, module: str, name: str) -> None:
        """A name of a module, or with none the whole module."""
        if (module, name) in self._seen or self._cut & {f"{module}:{name}", f"{module}:"}:
            return
        self._seen.add((module, name))
        held = _read(module)
        if held is None:
            # Compiled, or not there.
            self.found[f"{module}:{name}"] = ""
            return
        for each in () if name else (*held.definitions, *held.imports):
            self.reach(module, each)
        if origin := held.imports.get(name):
            self._follow(held, origin)
        elif name:
            self._add(held, name, _statements(held, name))
        if (module, _IMPORTED) not in self._seen:
            self._seen.add((module, _IMPORTED))
            self._add(held, _IMPORTED, held.effects)

    def _add(self, held: Module, name: str, statements: Sequence[ast.stmt]) -> None:
        for number, node in enumerate(statements):
            statement = held.statement(node)
            self.found[f"{held.name}:{name}:{number}"] = statement.text
            for used in statement.uses:
                self._follow(held, used)

    def _follow(self, held: Module, used: Use) -> None:
        module, name, attribute = used
        if module.partition(".")[0] != self._package and not _is_beside(module, held):
            self.found[f"{module}:{name}"] = ""
        elif not name:
            self.reach(module, attribute)
        elif module != held.name and not _has(module, name) and _read(f"{module}.{name}"):
            self.reach(f"{module}.{name}", attribute)
        else:
            self.reach(module, name)


_IMPORTED = "(import)"
"""Stands for what a module does whenever it is imported."""


def _statements(held: Module, name: str) -> list[ast.stmt]:
    """What defines a name, or a member of a class; where nothing does, what is asked for unknown names."""
    first, _, member = name.partition(".")
    found = held.definitions.get(first) or held.definitions.get("__getattr__", [])
    if not member:
        return found
    return [each for node in found for each in getattr(node, "body", ()) if getattr(each, "name", "") == member]


def _has(module: str, name: str) -> bool:
    held = _read(module)
    return held is not None and (name in held.definitions or name in held.imports)


def _read(module: str) -> Module | None:
    try:
        return read_module(module)
    except NoSource:
        return None


def _is_beside(module: str, held: Module) -> bool:
    """Whether a module lies in the same folder as one that isn't installed."""
    top = held.home / module.partition(".")[0]
    there = top.with_suffix(".py").is_file() or (top / "__init__.py").is_file()
    return there and not str(held.home).startswith(_INSTALLED)
