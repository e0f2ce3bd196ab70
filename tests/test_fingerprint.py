"""What changes the fingerprint of an object, and what doesn't: of a package of ours in small, read from real files."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import fingerprint
from bench.registry import Entry
from tests.shared import forget

FILES = {
    "method.py": '''
        """A method."""
        import math
        from bench_copy import helpers
        from bench_copy.base import Base
        from bench_copy.registry import LINES

        SCALE = 2.0
        """A constant."""


        class Method(Base):
            """A class."""

            def step(self, value: float) -> float:
                """A docstring."""
                # A comment.
                return helpers.twice(value) * SCALE + math.pi + len(LINES)


        def other() -> int:
            return 1
        ''',
    "base.py": "class Base:\n    size = 1\n",
    "helpers.py": "def twice(value):\n    return 2 * value\n\n\ndef thrice(value):\n    return 3 * value\n",
    "registry.py": "from bench.registry import Entry\nLINES: dict[str, Entry] = {'a': Entry(target='', summary='')}",
    "__init__.py": "",
}
Of = Callable[..., str]


@pytest.fixture
def of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Of]:
    """The fingerprint of `Method` after replacing a text in a file."""
    folder = tmp_path / "bench_copy"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    # As if it were the package that fingerprints are made for.
    monkeypatch.setattr(fingerprint, "_OURS", "bench_copy")

    def made(file: str = "method.py", old: str = "", new: str = "", target: str = "bench_copy.method:Method") -> str:
        for name, text in FILES.items():
            held = textwrap.dedent(text)
            assert name != file or old in held
            (folder / name).write_text(held.replace(old, new) if name == file else held, encoding="utf-8")
        forget()
        return fingerprint.of_object(target)

    yield made
    forget()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("method.py", "# A comment.", "# Another."),
        ("method.py", "A docstring.", "Another."),
        ("method.py", '"""A method."""', ""),
        ("method.py", '"""A constant."""', ""),
        ("method.py", "value: float) -> float", "value)"),
        ("method.py", " * SCALE", "*SCALE"),
        ("method.py", "return 1", "return 2"),
        ("method.py", "import math\n", "import math\nimport os\n"),
        ("helpers.py", "3 * value", "4 * value"),
        ("registry.py", "'a': ", "'b': Entry(target='b', summary=''), 'a': "),
        ("base.py", "class Base", "from typing import Any\n\n\nclass Base"),
    ],
)
def test_what_changes_nothing_that_is_done(of: Of, file: str, old: str, new: str) -> None:
    assert of(file, old, new) == of()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("method.py", "math.pi", "math.e"),
        ("method.py", "SCALE = 2.0", "SCALE = 2.1"),
        ("method.py", "import math", "import cmath as math"),
        ("method.py", "twice", "thrice"),
        ("helpers.py", "2 * value", "2.5 * value"),
        ("base.py", "size = 1", "size = 2"),
        ("base.py", "class Base", "import torch\ntorch.set_default_dtype(torch.float64)\n\n\nclass Base"),
    ],
)
def test_what_changes_what_is_done(of: Of, file: str, old: str, new: str) -> None:
    assert of(file, old, new) != of()


def test_what_has_a_fingerprint_of_its_own_is_cut(of: Of) -> None:
    cut = frozenset({"bench_copy.helpers:twice", "bench_copy.base:"})
    of()
    before = fingerprint.of_object("bench_copy.method:Method", cut)
    for file, old, new in (("helpers.py", "2 * value", "9 * value"), ("base.py", "size = 1", "size = 9")):
        of(file, old, new)
        assert fingerprint.of_object("bench_copy.method:Method", cut) == before


def test_a_line_of_a_registry_counts_by_what_the_code_does_with_it(of: Of) -> None:
    def line(**members: str) -> str:
        return fingerprint.of_entry(Entry(**{"target": "bench_copy.method:Method", "summary": "s", **members}))

    of()
    assert line(summary="another", source="a paper") == line()
    assert line(target="bench_copy.method:other") != line()


def test_of_a_users_own_all_of_the_module_counts_with_what_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(own: str, beside: str) -> str:
        (tmp_path / "my_own.py").write_text(f"import my_beside\nA = {own}\nclass Own: ...\n", encoding="utf-8")
        (tmp_path / "my_beside.py").write_text(f"B = {beside}\n", encoding="utf-8")
        forget()
        return fingerprint.of_object("my_own:Own")

    assert len({made("1", "1"), made("2", "1"), made("1", "2")}) == 3
    assert made("1", "1 # comment") == made("1", "1")
    assert "my_own" not in sys.modules
    forget()


def test_a_member_of_a_class_counts_alone(of: Of) -> None:
    before = of(target="bench_copy.method:Method.step")
    assert (
        of("method.py", "class Method(Base):", "class Method(Base):\n    a = 1\n", "bench_copy.method:Method.step")
        == before
    )
    assert of("method.py", "math.pi", "math.e", "bench_copy.method:Method.step") != before
