"""One word, one thing: no two classes are called alike, nor two files that have no idea in common."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from pathlib import Path

from tests.shared.architecture import ROOT

SHARED = {
    "cifar.py": "a data set, and the files that it is read from",
    "claims.py": "what the paper claims: the pairs, and whether they hold here",
    "content.py": "files that a trial is made from, known by what is in them",
    "environment.py": "the variables that a process is started with",
    "imagenet.py": "a data set, and the files that it is read from",
    "launcher.py": "the launchers, one in each folder of its backend",
    "measuring.py": "taking measures later: the command, and what it starts",
    "names.py": "expressions by which a registry's entries are written",
    "outputs.py": "what a model says of each test image: its quantities, and the file",
    "page.py": "what is printed at once, in parts or as a whole",
    "progress.py": "how far trials are",
    "registry.py": "literal registries: their records, and those of the sharpness-aware step",
    "report.py": "what is told of work that goes on",
    "rho.py": "values of ρ: those of the paper, and plots over them",
    "terminal.py": "what is printed for people",
    "training.py": "the course of a training, made and drawn",
    "weights.py": "histograms of weights, taken and drawn",
    "worker.py": "the worker, and how each backend starts it",
}
"""Base names that several files have, and the idea that they share."""


def test_no_two_classes_have_a_name_in_common() -> None:
    found = defaultdict(list)
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                # Whoever reads of one will not know that a private one is meant.
                found[node.name.strip("_")].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert len(found) > 150
    assert not {name: places for name, places in found.items() if len(places) > 1}


def test_files_that_are_called_alike_share_an_idea() -> None:
    found = defaultdict(list)
    for path in files():
        if path.name != "__init__.py":
            found[path.name].append(str(path.relative_to(ROOT)))
    alike = {name: places for name, places in found.items() if len(places) > 1}
    assert alike.keys() == SHARED.keys(), alike


def files(*folders: str) -> list[Path]:
    """All modules of the two packages, or those in other folders."""
    return sorted(path for folder in folders or ("bench", "cluster") for path in (ROOT / folder).rglob("*.py"))


def test_what_tests_share_is_in_no_file_of_tests() -> None:
    """Nobody looks for it there, and a file of tests that is taken away takes others with it."""
    line = re.compile(r"^\s*(?:from|import) tests\.(?:\w+\.)*test_\w+", re.MULTILINE)
    found = [path for path in files("tests") if line.search(path.read_text(encoding="utf-8"))]
    assert not [str(path.relative_to(ROOT)) for path in found]


LINES, FILES = 250, 16


def test_a_file_is_read_in_one_sitting_and_a_folder_seen_at_a_glance() -> None:
    modules = files("bench", "cluster", "tests", "benchmarks")
    folders = Counter(path.parent for path in modules)
    assert not [f"{folder.relative_to(ROOT)}: {count} files" for folder, count in folders.items() if count > FILES]
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    assert not [f"{path.relative_to(ROOT)}: {count} lines" for path, count in lines.items() if count > LINES]
