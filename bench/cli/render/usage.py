"""Usage: how a name of each registry is written in a sweep or a command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bench.registry import Setting
from bench.trial import short

USES = {
    "variant": "methods: [{{variant: {}, scope: all, rho: 0.1}}]",
    "scope": "methods: [{{variant: sam, scope: {}, rho: 0.1}}]",
    "model": "grid: {{model: {}}}",
    "dataset": "grid: {{dataset: {}}}",
    "augmentation": "grid: {{augment: {}}}",
    "optimizer": "grid: {{optimizer: {}}}",
    "measure": "measures: [{}]",
    "recipe": "recipe: {}",
    "launcher": "sambench run SWEEP --on {}",
}
"""Kind → a line that names one."""
_PLAIN = re.compile(r"[A-Za-z_][\w./+-]*")
_TRIED = (1, 0.5)
"""Values for a setting without a default; the first that fits is shown."""


def use(kind: str, name: str, settings: Mapping[str, Setting] | None = None) -> str:
    """The line with this name, and its settings at their defaults."""
    quoted = name if kind == "launcher" or _PLAIN.fullmatch(name) else f"'{name}'"
    line = USES[kind].format(quoted)
    if not settings or not line.endswith(("}", "}]")):
        return line
    written = ", ".join(f"{key}: {_value(setting)}" for key, setting in settings.items() if _is_shown(setting))
    head, end = line.rsplit("}", 1)
    return f"{head}, {written}}}{end}" if written else line


def as_yaml(value: Any) -> str:
    """A field's or setting's value as a sweep has it; a dash where there is none."""
    return str(value).lower() if isinstance(value, bool) else short(value)


def _is_shown(setting: Setting) -> bool:
    return setting.required or setting.default is not None


def _value(setting: Setting) -> str:
    if not setting.required:
        return as_yaml(setting.default)
    # Here, because pydantic takes longer to import than all else that lists need.
    from bench.validation import check

    return next((as_yaml(value) for value in _TRIED if check(setting.type, value)[1] is None), "…")
