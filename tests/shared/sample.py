"""Which tests one run takes: of families that are long and alike a share, drawn by a seed that is told.

`@pytest.mark.share(n)` on a parametrized test says that n of its cases are enough for one run. Every value of every
parameter occurs where n allows it; the rest is drawn. `share(n, of="a family")` draws n from all tests that name the
family, none of them twice before each had its turn. `share(0)` is for what runs only where all tests do. The seed is
the date, so that all cases have their turn; one that is named on the command line runs if n isn't 0.

A file stays in one process of pytest-xdist, which makes its fixtures once; tests of APART go to whichever is free.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

SIZES = ("all", "usual", "small")
CLUSTERS = frozenset({"slurm", "address"})
"""Fixtures that start daemons."""
PROCESSES = CLUSTERS | {"process", "finished_once", "trained_once"}
"""Fixtures that take seconds."""
APART = (
    "tests/chaos/", "tests/slurm/", "tests/cli/commands/test_operating.py", "tests/cluster/test_faults.py",
    "tests/cluster/work/test_machine_faults.py", "tests/store/upkeep/test_compact_race.py",
    "tests/sam/precision/test_device.py", "tests/sam/test_equivalence.py",
)  # fmt: skip
"""Long tests, or very many, that share no fixture within a process."""
TEST = ""
"""Stands for the test itself among the names of its parameters."""
SMALLER = 10
"""By how much a small share is smaller than the usual one, and than all of a file that are in no family."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("share")
    group.addoption(
        "--share",
        choices=SIZES,
        default="usual",
        help="of families of tests; small leaves slow tests out too",
    )
    group.addoption("--share-seed", type=int, help="seed of the share (default: the date)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "share(n, of=None): so many cases of this family are enough for one run")
    config.addinivalue_line("markers", "slow: not in a small share")
    given = getattr(config, "workerinput", {}).get("share_seed") or config.getoption("share_seed")
    config.option.share_seed = given or int(datetime.now(UTC).strftime("%Y%m%d"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: pytest.Item) -> None:
    """The processes of pytest-xdist must draw the same, also about midnight."""
    node.workerinput["share_seed"] = node.config.option.share_seed  # type: ignore[attr-defined]


class Files(LoadFileScheduling):
    """Hands out files; those of long tests that share nothing in a process are handed out test by test."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(APART) else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return Files(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    size = config.getoption("share")
    if size != "all":
        left_out = set(_left_out(items, size == "small", config.option.share_seed))
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]
    if size == "small":
        # In another order every time, since no test may lean on another.
        random.Random(config.option.share_seed).shuffle(items)
    else:
        items[:] = _in_turn(items)


@pytest.fixture
def some(request: pytest.FixtureRequest) -> Callable[..., list[Any]]:
    """For a family within one test: `some(cases, n)` are n of the cases, or all where all tests run."""

    def drawn(cases: Sequence[Any], number: int) -> list[Any]:
        everything = request.config.getoption("share") == "all" or number >= len(cases)
        seed = f"{request.config.option.share_seed} {_test(request.node)} {request.node.name}"
        return list(cases) if everything else random.Random(seed).sample(cases, number)

    return drawn


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("share") != "all":
        terminalreporter.write_line(f"a share of the tests: --share-seed {config.option.share_seed} draws it again")


def _in_turn(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """What is long begins: by turns what waits for clusters, and what the processors do meanwhile."""
    waiting = [item for item in items if _fixtures(item) & CLUSTERS]
    slow = [item for item in items if _is_slow(item) and not _fixtures(item) & CLUSTERS]
    turns = [item for pair in zip_longest(waiting, slow) for item in pair if item]
    begun = set(turns)
    return turns + [item for item in items if item not in begun]


def _left_out(items: Sequence[pytest.Item], small: bool, seed: int) -> Iterator[pytest.Item]:
    families: dict[tuple[str, int | None], list[pytest.Item]] = defaultdict(list)
    for item in items:
        if small and (_is_slow(item) or PROCESSES & _fixtures(item)):
            yield item
        elif mark := item.get_closest_marker("share"):
            families[mark.kwargs.get("of") or _test(item), mark.args[0]].append(item)
        elif small:
            families[item.location[0], None].append(item)
    if doubled := [name for name, times in Counter(name for name, _ in families).items() if times > 1]:
        raise pytest.UsageError(f"tests of one family give different numbers to share: {', '.join(doubled)}")
    for (name, number), family in families.items():
        drawn = share([_values(item) for item in family], random.Random(f"{seed} {name}"))
        enough = len(family) if number is None else number
        yield from (family[place] for place in drawn[-(-enough // SMALLER) if small else enough :])


def _fixtures(item: pytest.Item) -> set[str]:
    """Without parameters of the same names."""
    return set(getattr(item, "fixturenames", ())) - set(getattr(getattr(item, "callspec", None), "params", ()))


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


def _test(item: pytest.Item) -> str:
    """The file and the function."""
    return f"{item.location[0]}::{item.name.partition('[')[0]}"


def _values(item: pytest.Item) -> Mapping[str, object]:
    """Which test it is, and the place of each parameter's value among all that it takes."""
    parameters = getattr(item, "callspec", None)
    places = parameters.indices if parameters else {}
    return {TEST: _test(item)} | {f"{_test(item)} {name}": place for name, place in places.items()}


def share(cases: Sequence[Mapping[str, object]], draw: random.Random) -> list[int]:
    """Places of all cases in a random order: first one of each test, then such that all values of parameters occur."""
    order = draw.sample(range(len(cases)), len(cases))
    one_each = {cases[place].get(TEST): place for place in reversed(order)}
    order.sort(key=lambda place: one_each[cases[place].get(TEST)] != place)
    seen: set[tuple[str, object]] = set()
    first = []
    for place in order:
        if new := cases[place].items() - seen:
            first.append(place)
            seen |= new
    return first + [place for place in order if place not in set(first)]
