"""Hooks: which parts of its contract a class defines itself, read from its source without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bench.fingerprint.syntax import Module, NoSource, class_named, read_module

Found = tuple[Module, ast.ClassDef]


def own_hooks(target: str, base: str) -> tuple[list[str], dict[str, str]]:
    """Methods of `base` that the class at `target` defines, itself or by what it derives from, and what it declares.

    Both are written `package.module:Class`. Nothing of either where there is no source.
    """
    contract = next(_lineage(base), None)
    if contract is None:
        return [], {}
    classes = list(_below(target, contract[1]))
    methods = {name for _, node in classes for name in _methods(node)}
    declared: dict[str, str] = {}
    for _, node in reversed(classes):
        declared |= _declared(node)
    usual = _declared(contract[1])
    return (
        [name for name in _methods(contract[1]) if name in methods],
        {name: value for name, value in declared.items() if name in usual and value != usual[name]},
    )


def _below(target: str, contract: ast.ClassDef) -> Iterator[Found]:
    for held, node in _lineage(target):
        if node is contract:
            return
        yield held, node


def _lineage(target: str) -> Iterator[Found]:
    """A class and those that it derives from, the first of each, as far as they are here as source."""
    module, _, name = target.partition(":")
    try:
        found = class_named(read_module(module), name)
    except NoSource:
        return
    while found is not None:
        yield found
        held, node = found
        bases = [each.id for each in node.bases if isinstance(each, ast.Name)]
        found = class_named(held, bases[0]) if bases else None


def _methods(node: ast.ClassDef) -> list[str]:
    return [each.name for each in node.body if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")]


def _declared(node: ast.ClassDef) -> dict[str, str]:
    """Attributes that the class itself sets, as they are written."""
    found = {}
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.value:
            found[each.target.id] = ast.unparse(each.value)
        elif isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            found[each.targets[0].id] = ast.unparse(each.value)
    return found
