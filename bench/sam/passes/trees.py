"""Tensors inside tuples, lists, mappings and dataclasses, as models take and return them.

torch's own pytrees don't know dataclasses, which is how Hugging Face's models return theirs; those are mappings too.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

Tree = Any
"""A tensor, or a tuple, list, mapping or dataclass of trees; anything else in it is left as it is."""


def mapped(function: Callable[[Tensor], Tensor], tree: Tree) -> Tree:
    """The same tree with every tensor replaced by its image."""
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, Mapping):
        return _mapping(tree, {key: mapped(function, value) for key, value in tree.items()})
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(mapped(function, value) for value in tree))
    if isinstance(tree, tuple | list):
        return type(tree)(mapped(function, value) for value in tree)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return _dataclass(function, tree)
    return tree


def tensors_of(tree: Tree) -> list[Tensor]:
    """Every tensor of a tree, in the order of `mapped`."""
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    mapped(note, tree)
    return found


def with_tensors(tree: Tree, tensors: Sequence[Tensor]) -> Tree:
    """The tree with its tensors replaced by these, in order."""
    following: Iterator[Tensor] = iter(tensors)
    return mapped(lambda _: next(following), tree)


def same_length(*trees: Tree) -> int:
    """Samples in the tensors of these trees. ValueError unless all agree: a part of them couldn't be cut out."""
    tensors = [tensor for tree in trees for tensor in tensors_of(tree)]
    lengths = {len(tensor) if tensor.dim() else 0 for tensor in tensors}
    if len(lengths) != 1:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
        raise ValueError(
            f"a batch is cut along the first dimension of every tensor, and these differ in it: {shapes or 'none'}"
        )
    return lengths.pop()


def _mapping(tree: Mapping[Any, Any], items: dict[Any, Any]) -> Mapping[Any, Any]:
    if type(tree) is dict:
        return items
    made: Any = _bare(tree) if dataclasses.is_dataclass(tree) else copy.copy(tree)
    for key, value in items.items():
        made[key] = value
    filled: Mapping[Any, Any] = made
    return filled


def _dataclass(function: Callable[[Tensor], Tensor], tree: Any) -> Any:
    made = _bare(tree)
    for each in dataclasses.fields(tree):
        object.__setattr__(made, each.name, mapped(function, getattr(tree, each.name)))
    return made


def _bare(tree: Any) -> Any:
    """Another of its class, without the checks and conversions of its constructor."""
    kind: Any = type(tree)
    made = kind.__new__(kind)
    getattr(made, "__dict__", {}).update(getattr(tree, "__dict__", {}))
    return made
