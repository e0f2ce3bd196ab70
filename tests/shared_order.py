"""Which tests begin, and which stay together in one of the processes of pytest-xdist (`--dist loadgroup`).

What waits for clusters begins, so that the processors have other work meanwhile. What shares a fixture that takes
seconds stays together, so that it is made once.
"""

from __future__ import annotations

import pytest

FIXTURES = {
    "slurm_alone": "slurm alone",
    "slurm": "slurm",
    "address": "ray",
    "finished_once": "finished",
    "trained_once": "trained",
    "page": "report",
}
"""The group of tests that take a fixture; the first that fits counts."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Not later: pytest-xdist reads the marks in a hook of its own."""
    for item in items:
        if name := group(item):
            item.add_marker(pytest.mark.xdist_group(name))
    items.sort(key=lambda item: (not {"address", "slurm"} & _fixtures(item), not item.get_closest_marker("slow")))


def group(item: pytest.Item) -> str | None:
    """The name of its group; None for a test that any process may run at any time."""
    parameters = getattr(item, "callspec", None)
    if parameters and "built" in parameters.params:
        return f"model {parameters.params['built']}"
    return next((name for fixture, name in FIXTURES.items() if fixture in _fixtures(item)), None)


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))
