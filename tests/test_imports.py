"""Who may import whom, what stays light, and the page that tells it."""

from __future__ import annotations

import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.shared import architecture
from tests.shared.architecture import HEAVY, MAY_IMPORT, ROOT, imported, is_light, may_import, modules, room


def test_every_module_has_a_line_and_every_line_a_module() -> None:
    rooms = {room(module) for module in modules()}
    assert rooms == {"", *MAY_IMPORT}


def test_imports_follow_the_table() -> None:
    pairs = [(module, other) for module in modules() for other in sorted(imported(module))]
    assert len(pairs) > 300
    assert not [f"{module} → {other}" for module, other in pairs if not may_import(module, other)]


def test_nothing_is_imported_in_a_circle() -> None:
    try:
        TopologicalSorter({module: imported(module) for module in modules()}).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(reversed(error.args[1])))


def test_light_modules_load_nothing_heavy() -> None:
    light = [module for module in modules() if is_light(module) and not module.endswith("__main__")]
    loaded = f"print(sorted({set(HEAVY)} & set(sys.modules)))"
    code = f"import sys, {', '.join(light)}; {loaded}"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_page_is_as_the_code_is() -> None:
    text = architecture.PAGE.read_text(encoding="utf-8")
    assert text == architecture.written(), "write it anew: python -m tests.shared.architecture"


def test_the_page_names_only_what_is_there() -> None:
    text = architecture.PAGE.read_text(encoding="utf-8")
    paths = set(re.findall(r"(?<![\w/])((?:bench|cluster|tests|sweeps|docs|benchmarks)/[\w/.]*)", text))
    assert len(paths) > 20
    assert not sorted(path for path in paths if not (ROOT / path).exists())
