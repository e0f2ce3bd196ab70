"""Known names: everything that `sambench show` can show, to suggest corrections."""

from __future__ import annotations

from pathlib import Path

from click import Context

from bench.cli.app import app
from bench.cli.details.field_detail import setting_names
from bench.cli.details.spelling_detail import spellings
from bench.cli.render.catalog import CATALOGS
from bench.cli.trials import is_trial_id
from bench.errors import meant, shown
from bench.papers.sam_on.recipes import RECIPES
from bench.sweep.file.lookup import all_sweeps
from bench.sweep.file.text import yaml_files
from bench.trial import FIELDS


def refuse_name(name: str) -> str:
    """The message for a name that nothing has, with the nearest of all kinds and what lists them."""
    if name in CATALOGS:
        return f"nothing is called {shown(name)}; it is a kind: `sambench list {name}` lists them"
    if name in app.list_commands(Context(app)):
        return f"nothing is called {shown(name)}; it is a command: `sambench {name} --help`"
    trial = ", and no trial id begins so" if is_trial_id(name) else ""
    return (
        f"nothing is called {shown(name)}{trial}{meant(name, known_names())}; `sambench list KIND` lists methods, "
        "models and more, `sambench sweeps` sweeps, `sambench schema trials` fields"
    )


def known_names() -> list[str]:
    """Names of all kinds but trials."""
    entries = [name for entries in CATALOGS.values() for name in entries]
    sweeps = [*(file.stem for file in all_sweeps()), *(file.name for file in yaml_files(Path()))]
    return list(dict.fromkeys([*entries, *RECIPES, *sweeps, *FIELDS, *setting_names(), *spellings()]))
