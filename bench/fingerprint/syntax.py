"""Syntax: a module's statements as a fingerprint sees them, read from its file without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple


class NoSource(Exception):
    """A module that isn't there as Python source."""


class Use(NamedTuple):
    """A name that a statement uses."""

    module: str
    name: str
    """In that module; empty for the module itself."""
    attribute: str = ""
    """What of it, where it is written so: `data.load`."""


class Statement(NamedTuple):
    """What a statement says and uses."""

    text: str
    """Its syntax tree, without what doesn't change what it does."""
    uses: tuple[Use, ...]


@dataclass
class Module:
    """A module's own statements, and where its other names come from."""

    name: str
    home: Path
    """Folder that the module's top-level package lies in."""
    imports: dict[str, Use] = field(default_factory=dict)
    """Name → what it is in another module."""
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    """Name → the statements that define it."""
    effects: list[ast.stmt] = field(default_factory=list)
    """What is done whenever the module is imported."""

    def statement(self, node: ast.stmt) -> Statement:
        """A statement of the module as a fingerprint sees it."""
        reader = _Reader(self)
        reader.read(node)
        return Statement("".join(reader.text), tuple(reader.uses))


@lru_cache(maxsize=4096)
def read_module(name: str) -> Module:
    """The module of this name, as its file is when it is first asked for; NoSource if there is no such file."""
    path = file_of(name)
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise NoSource(f"{name}: {error}") from error
    depth = name.count(".") + (path.name == "__init__.py")
    module = Module(name, path.parents[depth])
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in tree.body:
        _sort_in(module, package, node)
    return module


def class_named(held: Module, name: str) -> tuple[Module, ast.ClassDef] | None:
    """The class of that name and the module that it is written in, followed through imports; None if there is none."""
    nodes = [node for node in held.definitions.get(name, ()) if isinstance(node, ast.ClassDef)]
    if nodes:
        return held, nodes[-1]
    origin = held.imports.get(name)
    if origin is None:
        return None
    try:
        return class_named(read_module(origin.module), origin.name)
    except NoSource:
        return None


def _sort_in(module: Module, package: str, node: ast.stmt) -> None:
    if isinstance(node, ast.Import | ast.ImportFrom):
        module.imports |= dict(_imported(node, package))
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        module.definitions.setdefault(node.name, []).append(node)
    elif names := _assigned(node):
        for name in names:
            module.definitions.setdefault(name, []).append(node)
    elif not _is_text(node) and not _is_for_types(node):
        module.effects.append(node)
        for each in ast.walk(node):
            if isinstance(each, ast.Import | ast.ImportFrom):
                module.imports |= dict(_imported(each, package))
            elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                module.definitions.setdefault(each.id, []).append(node)


def _assigned(node: ast.stmt) -> list[str]:
    """Names that a plain assignment defines; none if it also changes something else."""
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    elif isinstance(node, ast.Assign):
        targets = [each for target in node.targets for each in getattr(target, "elts", [target])]
    else:
        return []
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names if len(names) == len(targets) else []


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Use]]:
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        origin = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            yield alias.asname or alias.name, Use(origin, alias.name.replace("*", ""))
    else:
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0], Use(alias.name, "")


class _Reader:
    """Writes a statement down and gathers the names in it."""

    def __init__(self, module: Module) -> None:
        self.text: list[str] = []
        self.uses: dict[Use, None] = {}
        self._module = module
        self._local: dict[str, Use] = {}
        self._package = module.name.rpartition(".")[0]

    def read(self, node: ast.AST, *, in_class: bool = False) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._local |= dict(_imported(node, self._package))
        elif isinstance(node, ast.AnnAssign) and (is_registry(node) or not in_class):
            # What is in play of a registry has a fingerprint of its own.
            self._write(node, ("target",) if is_registry(node) else ("target", "value"))
        elif not _is_text(node):
            if isinstance(node, ast.Name):
                self._use(node.id, "")
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                self._use(node.value.id, node.attr)
            self._write(node, [name for name in node._fields if name not in _SILENT and not _is_hint(node, name)])

    def _write(self, node: ast.AST, fields: tuple[str, ...] | list[str]) -> None:
        self.text.append(f"{type(node).__name__}(")
        for name in fields:
            value = getattr(node, name, None)
            # Versions of Python differ in which empty fields there are.
            if value is None or value == []:
                continue
            self.text.append(f"{name}=")
            for each in value if isinstance(value, list) else [value]:
                if not isinstance(each, ast.AST):
                    self.text.append(f"{each!r},")
                elif not (name == "value" and isinstance(node, ast.Attribute) and isinstance(each, ast.Name)):
                    self.read(each, in_class=isinstance(node, ast.ClassDef))
                else:
                    self.text.append(each.id)
        self.text.append(")")

    def _use(self, name: str, attribute: str) -> None:
        origin = self._local.get(name) or self._module.imports.get(name)
        if origin:
            self.uses[origin._replace(attribute=attribute)] = None
        elif name in self._module.definitions:
            self.uses[Use(self._module.name, name)] = None


_SILENT = frozenset({"ctx", "type_comment", "kind", "type_ignores", "returns", "type_params"})


def _is_hint(node: ast.AST, field_name: str) -> bool:
    return field_name == "annotation" and isinstance(node, ast.arg)


def is_registry(node: ast.AST) -> bool:
    """Whether a statement is a registry: `NAME: dict[str, SomeEntry] = {…}`."""
    return isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation).endswith("Entry]")


def _is_text(node: ast.AST) -> bool:
    """Whether this is a docstring, of a module, class, function or field."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def file_of(name: str) -> Path:
    """The file of a module, found without importing it or its package; NoSource if there is none."""
    top, *rest = name.split(".")
    folder, single = _top(top)
    if single:
        if not rest:
            return single
        raise NoSource(name)
    assert folder is not None
    place = folder.joinpath(*rest)
    for path in (place / "__init__.py", place.with_suffix(".py")):
        if path.is_file():
            return path
    raise NoSource(name)


@lru_cache(maxsize=1024)
def _top(name: str) -> tuple[Path | None, Path | None]:
    """The folder of a top-level package, or the file of a top-level module."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError) as error:
        raise NoSource(name) from error
    if spec is None or not isinstance(spec.loader, SourceFileLoader) or spec.origin is None:
        raise NoSource(name)
    origin = Path(spec.origin).resolve()
    return (origin.parent, None) if spec.submodule_search_locations else (None, origin)
