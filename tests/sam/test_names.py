"""Scope expressions, contradictions, and registries that import no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import TypeAdapter

from bench.sam import SCOPES, VARIANTS, canonical_scope, check_compatible, parse_scope
from bench.sam.scopes.scope import Scope
from bench.sam.variants.variant import Variant


def test_registries_are_light() -> None:
    code = "import sys, bench.sam; bench.sam.parse_scope('only_norm[2]'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_load(name: str) -> None:
    assert issubclass(VARIANTS[name].load(), Variant)
    assert VARIANTS[name].summary
    assert VARIANTS[name].source


@pytest.mark.parametrize("name", SCOPES)
def test_scopes_load(name: str) -> None:
    assert issubclass(SCOPES[name].load(), Scope)
    assert SCOPES[name].summary
    assert SCOPES[name].source


def test_settings_share_one_namespace() -> None:
    of_variants = {name for entry in VARIANTS.values() for name in entry.settings}
    of_scopes = {name for entry in SCOPES.values() for name in entry.settings}
    assert not of_variants & of_scopes


@pytest.mark.parametrize("entry", [*VARIANTS.values(), *SCOPES.values()])
def test_defaults_satisfy_their_types(entry: object) -> None:
    for setting in entry.settings.values():
        assert TypeAdapter(setting.type).validate_python(setting.default) == setting.default
        assert setting.summary


@pytest.mark.parametrize(
    ("expression", "parts", "canonical"),
    [
        ("all", ("all", ()), "all"),
        (" only_norm ", ("only_norm", ()), "only_norm"),
        ("only_norm[3]", ("only_norm", (3,)), "only_norm[3]"),
        ("only_norm[ 3, 2 ]", ("only_norm", (2, 3)), "only_norm[2,3]"),
        ("no_norm[10,9]", ("no_norm", (9, 10)), "no_norm[9,10]"),
    ],
)
def test_scopes_are_parsed(expression: str, parts: tuple[str, tuple[int, ...]], canonical: str) -> None:
    assert parse_scope(expression) == parts
    assert canonical_scope(expression) == canonical
    assert canonical_scope(canonical) == canonical


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "only_norm[",
        "only_norm[]",
        "only_norm[0]",
        "only_norm[-1]",
        "only_norm[1.5]",
        "only_norm[2,2]",
        "only_norm[2][3]",
        "only_norm(2)",
        "ssam_f[1]",
        "everything",
        "only_norm[²]",
    ],
)
def test_other_scopes_are_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="scope "):
        parse_scope(expression)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            {"scope": "only_norm[2]", "trainable": "freeze_norm"},
            "trainable: freeze_norm fixes what scope: only_norm perturbs; use trainable: all, or scope: all",
        ),
        (
            {"scope": "no_norm", "trainable": "only_norm"},
            "trainable: only_norm freezes all that scope: no_norm perturbs; use trainable: all",
        ),
        (
            {"scope": "all", "trainable": "only_norm", "weight_decay_on": "no_norm"},
            "trainable: only_norm leaves weight_decay_on: no_norm nothing to decay; use weight_decay_on: all",
        ),
        (
            {"scope": "all", "trainable": "freeze_norm", "norm_dropout": 0.1},
            "trainable: freeze_norm fixes γ = 1 and β = 0, which norm_dropout would drop",
        ),
    ],
)
def test_contradictions(choice: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_compatible(**choice)


def test_what_fits_together() -> None:
    check_compatible(scope="only_norm", trainable="only_norm", weight_decay_on="none", norm_dropout=0.2)
    check_compatible(scope="all", trainable="freeze_norm")
    check_compatible(scope="no_norm[3]", weight_decay_on="no_norm")
