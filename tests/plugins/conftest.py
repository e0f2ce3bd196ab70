"""Plug-ins are forgotten after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.shared.plugins import forgotten


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    """As in a new process."""
    with forgotten():
        yield
