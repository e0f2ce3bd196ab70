"""Names of measures with settings, such as `sharpness[rho=0.003,steps=1]`: parsed, checked and normalised.

Settings that equal their defaults are left out and the others sorted, so that what is measured has one name. Free of
torch: sweeps, commands and the store use these names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import UserError, shown, unknown
from bench.measures import MEASURES
from bench.plugins.kinds import PluginError
from bench.registry import MeasureEntry, Scalar, Setting

DEFAULT = "{}"
"""The store's `settings` of a measure with none but defaults."""

_FORM = re.compile(r"(?P<measure>[^\[\]]*?)\s*(?:\[(?P<settings>[^\[\]]*)\])?")
_FRACTION = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(\d+)")
_PIXEL = 255
"""Radii of attacks on images are given in steps of an 8-bit pixel."""


class MeasureError(UserError):
    """A name that stands for no measure, with the valid choices."""


@dataclass(frozen=True)
class Measure:
    """A measure and those of its settings that differ from their defaults, sorted by name."""

    measure: str
    settings: tuple[tuple[str, Scalar], ...] = ()

    @property
    def name(self) -> str:
        """As people write it, and as the column of `results` is called."""
        return named(self.measure, dict(self.settings))

    @property
    def stored(self) -> str:
        """The settings as canonical JSON, as the store's column `settings` has them."""
        return json.dumps(dict(self.settings), separators=(",", ":"), sort_keys=True)

    @property
    def entry(self) -> MeasureEntry:
        """Its line of the registry."""
        return MEASURES[self.measure]

    @property
    def arguments(self) -> dict[str, Any]:
        """Every setting of the measure, defaults filled in."""
        return {name: setting.default for name, setting in self.entry.settings.items()} | dict(self.settings)


def parse(text: str) -> Measure:
    """What a name stands for; MeasureError with the valid choices if it is misspelt or a value is out of range."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise MeasureError(
            f"measure {shown(text)}: write a name, or one with settings, as in sharpness[rho=0.003,steps=1]"
        )
    measure, written = form["measure"], form["settings"]
    try:
        measure = MEASURES.canonical(measure)
    except KeyError:
        raise MeasureError(unknown("measure", measure, MEASURES)) from None
    except PluginError as error:
        raise MeasureError(str(error)) from error
    settings = {} if written is None else _settings(text, measure, written)
    return Measure(measure, tuple(sorted(settings.items())))


def column(measure: str, stored: str) -> str:
    """The column of `results` that a row of the store's `measures` belongs to."""
    return measure if stored == DEFAULT else named(measure, json.loads(stored))


def quantity_of(name: str) -> tuple[str, str]:
    """The inverse of `column`: measure and settings as the store has them."""
    if not name.endswith("]"):
        return name, DEFAULT
    found = parse(name)
    return found.measure, found.stored


def named(measure: str, settings: Mapping[str, Scalar]) -> str:
    """The one way of writing a measure with these settings."""
    words = [f"{name}={_text(settings[name])}" for name in sorted(settings)]
    return f"{measure}[{','.join(words)}]" if words else measure


def _settings(text: str, measure: str, written: str) -> dict[str, Scalar]:
    """Those that differ from the defaults."""
    known = MEASURES[measure].settings
    given: dict[str, Scalar] = {}
    for part in written.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not name or not value:
            raise MeasureError(f"measure {shown(text)}: settings are written as NAME=VALUE, not {part.strip()!r}")
        if name not in known:
            if not known:
                raise MeasureError(f"measure {shown(text)}: {measure} has no settings")
            raise MeasureError(f"measure {shown(text)}: {unknown(f'setting of {measure}', name, known)}")
        if name in given:
            raise MeasureError(f"measure {shown(text)}: {name} is set twice")
        given[name] = _checked(text, name, value, known[name])
    return {name: value for name, value in given.items() if value != known[name].default}


def _checked(text: str, name: str, value: str, setting: Setting) -> Scalar:
    # Here, because pydantic takes longer to import than the store, which only writes names.
    from bench.validation import check

    checked, problem = check(setting.type, _scalar(value))
    if problem:
        raise MeasureError(f"measure {shown(text)}: {name} ({setting.summary}): {problem}")
    scalar: Scalar = checked
    return scalar


def _scalar(text: str) -> Scalar:
    """A truth value, number or fraction such as 1/255, else the word itself."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if fraction := _FRACTION.fullmatch(text):
        return float(fraction[1]) / float(fraction[2]) if float(fraction[2]) else text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _text(value: Scalar) -> str:
    """The shortest way of writing a value that is read as the same."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, float):
        return str(value)
    plain = repr(value).removesuffix(".0")
    pixels = f"{round(value * _PIXEL, 6):g}/{_PIXEL}"
    return pixels if len(pixels) < len(plain) and _scalar(pixels) == value else plain
