"""Library: torch's and timm's optimizers as `torch.optim:Class` or `timm.optim:Class`, arguments as settings.

What a class takes is read from its source, so that a sweep is checked and read without importing either. A setting that
isn't written is left to the library and stays out of the trial; the versions of both are in every attempt's record.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from bench.errors import unknown
from bench.fingerprint.syntax import Module, class_named, read_module
from bench.registry import OptimizerEntry, Setting
from bench.trial import FIELDS

LIBRARIES = ("torch.optim", "timm.optim")
FORMS = tuple(f"{library}:CLASS" for library in LIBRARIES)
"""How such names are told to people."""

_UNFIT = {
    "LBFGS": "takes several passes a step by a closure of its own",
    "SparseAdam": "is for sparse gradients",
    "Adahessian": "needs second derivatives",
    "Lookahead": "is made around another optimizer",
}
"""Classes that no trial can step with."""
_GIVEN = frozenset({"self", "params"})
"""Arguments that are no settings, as are those that a trial has a field for, `lr` or Adadelta's own `rho`."""
_HOW = frozenset({"foreach", "fused", "capturable", "differentiable", "maximize", "verbose"})
"""Arguments that say how an update is computed, or turn it round."""
_Scalar = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class LibraryOptimizer(OptimizerEntry):
    """A class of torch or timm."""

    decays: bool
    """Whether it has a weight decay."""
    tuples: tuple[tuple[str, int], ...] = field(default=())
    """Arguments of several numbers, each of which is a setting of its own, and their lengths: `betas`."""

    def load(self) -> Callable[..., Any]:
        """A function of parameter groups and settings."""
        return partial(construct, super().load(), dict(self.tuples))


def construct(kind: Callable[..., Any], tuples: dict[str, int], groups: Any, *, lr: float, **settings: Any) -> Any:
    """The optimizer, with the settings that aren't left to it."""
    given = {name: value for name, value in settings.items() if value is not None}
    for name, length in tuples.items():
        parts = [given.pop(part, None) for part in _parts(name, length)]
        if None not in parts:
            given[name] = tuple(parts)
    return kind(groups, lr=lr, **given)


def is_library(name: str) -> bool:
    """Whether a name is written as that of a library's class."""
    return name.partition(":")[0] in LIBRARIES and ":" in name


@lru_cache
def entry(name: str) -> LibraryOptimizer:
    """The record of a class; KeyError for another name than a library's, ValueError for a class that won't do."""
    if not is_library(name):
        raise KeyError(name)
    library, _, wanted = name.partition(":")
    if wanted in _UNFIT:
        raise ValueError(f"{name} {_UNFIT[wanted]}, which a trial can't do; choose another optimizer")
    arguments = dict(_arguments(*_class_of(library, wanted)))
    defaults = {key: default for key, default in arguments.items() if key not in {*FIELDS, *_GIVEN, *_HOW}}
    tuples = {key: len(each) for key, each in defaults.items() if isinstance(each, tuple) and _numbers(each)}
    return LibraryOptimizer(
        target=name,
        summary=f"{wanted} of {library}",
        settings={each: setting for key, default in defaults.items() for each, setting in _settings(key, default)},
        own_settings=True,
        decays="weight_decay" in arguments,
        tuples=tuple(tuples.items()),
    )


def _class_of(library: str, wanted: str) -> tuple[Module, ast.ClassDef]:
    """The class and the module that it is written in; ValueError if the library has none of that name."""
    held = read_module(library)
    named = {name for name in {*held.imports, *held.definitions} if name[:1].isupper()}
    found = class_named(held, wanted) if wanted in named else None
    if found is None or "lr" not in dict(_arguments(*found)):
        valid = sorted(name for name in named - _UNFIT.keys() if not name.startswith("Optim"))
        raise ValueError(unknown(f"optimizer of {library}", wanted, valid))
    return found


def _arguments(held: Module, node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    """Arguments of its constructor with their defaults, or where that is None, an empty type: `float`."""
    inits = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    if not inits:
        return
    init = inits[-1]
    named = [*init.args.posonlyargs, *init.args.args]
    defaults = [None] * (len(named) - len(init.args.defaults)) + list(init.args.defaults)
    pairs = [*zip(named, defaults, strict=True), *zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)]
    for argument, written in pairs:
        value = _literal(held, written) if written is not None else _UNREADABLE
        hint = ast.unparse(argument.annotation) if argument.annotation else ""
        yield argument.arg, _typed(value, hint)


_UNREADABLE = object()


def _literal(held: Module, node: ast.expr) -> Any:
    """The value of a default, also where it is made of constants of the module."""
    if isinstance(node, ast.Name):
        given = held.definitions.get(node.id, [])
        value = given[-1].value if given and isinstance(given[-1], ast.Assign) else None
        return _UNREADABLE if value is None else _literal(held, value)
    if isinstance(node, ast.Tuple):
        return tuple(_literal(held, each) for each in node.elts)
    try:
        return ast.literal_eval(node)
    except ValueError:
        return _UNREADABLE


def _typed(value: Any, hint: str) -> Any:
    """The default with its type: a whole number may stand for a fraction, and None for a number."""
    if value is None:
        return next((kind for name, kind in _KINDS.items() if name in hint and "uple" not in hint), _UNREADABLE)
    return float(value) if type(value) is int and ("float" in hint or "int" not in hint) else value


_KINDS: dict[str, type] = {"float": float, "int": int, "bool": bool, "str": str}


def _settings(name: str, default: Any) -> Iterator[tuple[str, Setting]]:
    """The settings that an argument is; none if its value is neither a number nor a word."""
    if isinstance(default, tuple) and _numbers(default):
        for part, value in zip(_parts(name, len(default)), default, strict=True):
            yield part, Setting(type=float, default=float(value), summary=f"one of {name}", later=True)
    elif isinstance(default, type):
        yield name, Setting(type=default, default=None, summary=name, later=True)
    elif isinstance(default, _Scalar):
        yield name, Setting(type=type(default), default=default, summary=name, later=True)


def _numbers(values: tuple[Any, ...]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _parts(name: str, length: int) -> list[str]:
    """`betas` → `beta1`, `beta2`."""
    return [f"{name.removesuffix('s')}{place}" for place in range(1, length + 1)]
