"""Declared: a plug-in's record, read from the object itself, with an error message for every mistake.

What sambench doesn't pass itself is a setting: an argument with a type, a default and a line of description, as in
`gamma: Annotated[float, Gt(0), Lt(1), "weight of the sharpness"] = 0.9`. Members of the record are attributes of the
same names, the summary is the first paragraph of the docstring.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, get_args, get_origin

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from bench.errors import unknown
from bench.fingerprint import of_object
from bench.plugins.kinds import KINDS, PluginError, PluginKind, check_home, facts_of
from bench.registry import Entry, Setting
from bench.trial import FIELDS
from bench.validation import adapter, check, problems


def read(kind: str, path: str, folder: Path | None) -> Entry:
    """Import what a path names, and make its record; PluginError if it isn't as its kind has to be.

    `folder` is that of the sweep: a module that lies there has to be the one that is found.
    """
    module_name, _, attribute = path.partition(":")
    subject = f"{kind} {path}"
    # Read before it is imported, and kept: so the fingerprint is of what runs, though somebody edits it meanwhile.
    of_object(path)
    module = _module(subject, module_name, folder)
    if folder is not None:
        check_home(subject, path, folder)
    found = _attribute(subject, module, attribute)
    if getattr(found, "__module__", None) == "__main__":
        raise PluginError(_NOT_MAIN.format(subject))
    rule = KINDS[kind]
    _check_object(subject, found, rule)
    settings = dict(_settings(subject, found, rule))
    entry = _record(subject, found, rule, path)
    samples = getattr(entry, "samples", None)
    if samples is not None and samples not in settings:
        raise PluginError(f"{subject}: samples: {unknown('setting', samples, settings)}")
    if callable(getattr(entry, "passes", None)):
        raise PluginError(f"{subject}: passes: give their mean as a number, or leave it out, and a run will tell")
    return replace(entry, settings=settings)


_NOT_MAIN = "{} is defined in __main__, the program that runs, which no worker can import: put it into a module"


def _module(subject: str, name: str, folder: Path | None) -> ModuleType:
    if name == "__main__":
        raise PluginError(_NOT_MAIN.format(subject))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            where = f"neither installed nor beside the sweep, in {folder}" if folder else "not installed"
            raise PluginError(f"{subject}: there is no module {error.name}: {where}") from error
        raise PluginError(f"{subject}: can't be imported: {_told(error, name)}") from error
    except (Exception, SystemExit) as error:
        # Whatever somebody else's code raises while it is imported.
        raise PluginError(f"{subject}: can't be imported: {_told(error, name)}") from error


def _told(error: BaseException, name: str) -> str:
    """What went wrong, and the last line of the module where it did."""
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    if isinstance(error, SyntaxError):
        return said
    top = name.partition(".")[0]
    lines = [
        each for each in traceback.extract_tb(error.__traceback__) if top in Path(each.filename).with_suffix("").parts
    ]
    return f"{said} ({lines[-1].filename}:{lines[-1].lineno})" if lines else said


def _attribute(subject: str, module: ModuleType, attribute: str) -> Any:
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            there = [name for name in vars(found) if not name.startswith("_")]
            raise PluginError(f"{subject}: {unknown(f'name in {module.__file__}', part, there)}")
        found = getattr(found, part)
    return found


def _check_object(subject: str, found: Any, rule: PluginKind) -> None:
    if not rule.base:
        if not callable(found):
            raise PluginError(f"{subject} can't be called: it is {type(found).__name__}")
        return
    module, _, name = rule.base.partition(":")
    base = getattr(importlib.import_module(module), name)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise PluginError(f"{subject} is no {name}: derive a class from it (from {module} import {name})")
    if lacking := list(_lacking(found, base, rule)):
        raise PluginError(f"{subject} lacks {', '.join(dict.fromkeys(lacking))}: see {name} in {module}")


def _lacking(found: type, base: type, rule: PluginKind) -> Iterator[str]:
    """Hooks that a class has to have, and hasn't."""
    for hook, asked in rule.hooks.items():
        wanted = asked is None or getattr(found, asked[0], None) is asked[1]
        if wanted and getattr(found, hook, None) is getattr(base, hook, None):
            yield hook if asked is None else f"{hook}, for which {asked[0]} = {asked[1]} asks"
    yield from (each for each in dir(found) if getattr(getattr(found, each, None), "__isabstractmethod__", False))


def _settings(subject: str, found: Any, rule: PluginKind) -> Iterator[tuple[str, Setting]]:
    parameters = _parameters(subject, found)
    named = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    given = [*rule.keywords, *(("size",) if getattr(found, "resizes", False) is True else ())]
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters)
    if missing := [name for name in given if not takes_any and name not in {each.name for each in named}]:
        raise PluginError(f"{subject} takes no {missing[0]}, which sambench calls it with")
    first = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    places = {each.name for each in first[: rule.positional]}
    if len(places) < rule.positional and not any(each.kind is each.VAR_POSITIONAL for each in parameters):
        raise PluginError(f"{subject} takes {len(places)} arguments by place; sambench gives {rule.positional}")
    for each in named:
        if each.name in places or each.name in given:
            continue
        if rule.describes or "Annotated" in str(each.annotation):
            setting = _setting(f"{subject}: setting {each.name}", each, found)
            yield each.name, _described(f"{subject}: setting {each.name}", each.name, setting)


def _parameters(subject: str, found: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError) as error:
        raise PluginError(f"{subject}: its arguments can't be read: {error}") from error


def _setting(subject: str, parameter: inspect.Parameter, found: Any) -> Setting | None:
    """What an argument declares; None if it isn't all there."""
    annotation = _annotation(subject, parameter, found)
    if get_origin(annotation) is not Annotated or parameter.default is parameter.empty:
        return None
    kind, *more = get_args(annotation)
    summary = next((each for each in more if isinstance(each, str)), "")
    bounds = tuple(each for each in more if not isinstance(each, str))
    kind = Annotated[(kind, *bounds)] if bounds else kind
    try:
        adapter(kind)
        default, problem = check(kind, parameter.default)
    except (PydanticUserError, TypeError) as error:
        raise PluginError(f"{subject}: its type can't be checked: {str(error).splitlines()[0]}") from error
    if problem or not isinstance(parameter.default, str | int | float | bool):
        raise PluginError(f"{subject}: its default: {problem or 'is neither a number nor a word'}")
    # As its type has it: 1 of a float is 1.0, as it is where a sweep says 1.
    return Setting(type=kind, default=default, summary=summary) if summary else None


def _described(subject: str, name: str, setting: Setting | None) -> Setting:
    if setting is None:
        form = f'{name}: Annotated[float, Ge(0), "what it is"] = 0.5'
        raise PluginError(f"{subject} isn't declared: it needs a type, a description and a default, as in {form}")
    if name in (*FIELDS, "fast"):
        raise PluginError(f"{subject}: is the name of a field of every trial: rename it")
    return setting


def _annotation(subject: str, parameter: inspect.Parameter, found: Any) -> Any:
    written = parameter.annotation
    if not isinstance(written, str):
        return written
    holder = inspect.unwrap(getattr(found, "__init__", found) if isinstance(found, type) else found)
    names = getattr(holder, "__globals__", vars(sys.modules[found.__module__]))
    try:
        # As `typing.get_type_hints` does; of this argument alone, since others may name what only type checkers see.
        return eval(written, names)
    except Exception as error:
        raise PluginError(f"{subject}: its type can't be read: {error}") from error


def _record(subject: str, found: Any, rule: PluginKind, path: str) -> Entry:
    """Its record, still without settings."""
    absent = object()
    facts = {name: getattr(found, name, absent) for name in facts_of(rule)}
    told = {name: value for name, value in facts.items() if value is not absent}
    summary = " ".join((inspect.getdoc(found) or "").partition("\n\n")[0].split())
    values = {**rule.defaults, **told, "summary": summary.removesuffix("."), "target": path}
    try:
        entry: Entry = TypeAdapter(rule.record).validate_python(values)
    except ValidationError as error:
        (problem, *_) = problems(error, values, lambda path: "has no place")
        where = ".".join(map(str, problem.path))
        way_out = f": say it by @about({where}=…)" if problem.message == "is missing" else ""
        raise PluginError(f"{subject}: {where} {problem.message}{way_out}") from error
    return entry
