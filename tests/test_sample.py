"""Which tests a run takes: the share that is drawn of a family."""

from __future__ import annotations

import random

import pytest

from tests.conftest import ROOT
from tests.shared.sample import APART, Files, share

pytest_plugins = ["pytester"]

FAMILIES = """
import pytest

@pytest.mark.share(3)
@pytest.mark.parametrize("letter", "abcdefghij")
def test_letters(letter): pass

@pytest.mark.share(0)
def test_left_to_the_long_run(): pass

@pytest.mark.share(2, of="alike")
@pytest.mark.parametrize("digit", "123456789")
def test_alike(digit): pass

@pytest.mark.share(2, of="alike")
def test_alike_too(): pass

@pytest.mark.slow
def test_slow(): pass

@pytest.mark.parametrize("digit", "0123456789")
def test_many(digit): pass

def test_plain(): pass
"""


def drawn(pytester: pytest.Pytester, *options: str) -> set[str]:
    """Names of the tests of FAMILIES that a run takes."""
    pytester.makepyfile(FAMILIES)
    pytester.makeconftest("pytest_plugins = ['tests.shared.sample']")
    result = pytester.runpytest_inprocess("--collect-only", "-q", "-p", "no:xdist", *options)
    return {line.partition("::")[2] for line in result.outlines if "::" in line}


@pytest.fixture(autouse=True)
def _unseeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


@pytest.mark.parametrize(
    ("options", "letters", "alike", "many", "others"),
    [
        ((), 3, 2, 10, {"test_plain", "test_slow"}),
        (("--share", "small"), 1, 1, 1, {"test_plain"}),
        (("--share", "all"), 10, 10, 10, {"test_plain", "test_slow", "test_left_to_the_long_run"}),
    ],
)
def test_sizes(
    pytester: pytest.Pytester, options: tuple[str, ...], letters: int, alike: int, many: int, others: set[str]
) -> None:
    taken = drawn(pytester, *options)
    families = ("test_letters", "test_alike", "test_many")
    assert [sum(name.startswith(family) for name in taken) for family in families] == [letters, alike, many]
    assert {name for name in taken if not name.startswith(families)} == others


def test_of_a_family_of_several_tests_each_comes_before_a_second_case(pytester: pytest.Pytester) -> None:
    assert "test_alike_too" in drawn(pytester, "--share-seed", "5")


def test_a_family_has_one_number(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FAMILIES + '@pytest.mark.share(3, of="alike")\ndef test_of_another_number(): pass\n')
    pytester.makeconftest("pytest_plugins = ['tests.shared.sample']")
    result = pytester.runpytest_inprocess("--collect-only", "-p", "no:xdist")
    result.stderr.fnmatch_lines("*one family give different numbers to share: alike")


def test_what_one_process_gets_at_once() -> None:
    files = Files.__new__(Files)
    assert files._split_scope("tests/test_a.py::test_b[1]") == "tests/test_a.py"
    assert files._split_scope("tests/slurm/test_a.py::test_b[1]") == "tests/slurm/test_a.py::test_b[1]"
    assert all((ROOT / place).exists() for place in APART)


def test_the_seed_decides(pytester: pytest.Pytester) -> None:
    one, again, other = (drawn(pytester, "--share-seed", seed) for seed in ("1", "1", "3"))
    assert one == again != other


def test_every_value_of_every_parameter_comes_first() -> None:
    cases = [{"net": net, "variant": variant} for net in range(3) for variant in range(8)]
    for seed in range(20):
        order = share(cases, random.Random(seed))
        assert sorted(order) == list(range(24))
        first = [cases[place] for place in order[:11]]
        assert {case["net"] for case in first} == {0, 1, 2}
        assert {case["variant"] for case in first} == set(range(8))
