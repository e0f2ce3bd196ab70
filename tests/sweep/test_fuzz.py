"""Whatever a file holds, it expands or is told wrong, within seconds.

`SAMBENCH_FUZZ=20000 pytest tests/sweep/test_fuzz.py` draws that many documents.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bench.errors import UserError
from bench.sweep import SpecError, load
from cluster.profile import load_profile
from tests.sweep.documents import documents, values

EXAMPLES = int(os.environ.get("SAMBENCH_FUZZ", "80"))
SECONDS = 5.0
"""Of this process, for one document."""
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="SAMBENCH_FUZZ" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "sweep.yaml"


@contextmanager
def told_wrong() -> Iterator[None]:
    """Faults may be raised, each of which says something that can be printed."""
    try:
        yield
    except SpecError as error:
        told = [str(fault) for fault in error.faults]
    else:
        return
    assert told
    assert max(len(line.encode("utf-8")) for line in told) < 6000


@fuzz
@given(text=documents)
def test_a_document_expands_or_is_told_wrong(file: Path, text: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    began = time.process_time()
    with told_wrong():
        assert load(file, max_trials=2000).trials
    with suppress(UserError):
        load_profile(None, file)
    assert time.process_time() - began < SECONDS


@fuzz
@given(value=values)
def test_an_option_replaces_a_field_or_is_told_wrong(file: Path, value: str) -> None:
    file.write_text("title: x\nrecipe: digits-resnet\ngrid: {model: resnet8, seed: 1}\n", encoding="utf-8")
    with told_wrong():
        load(file, {"rho": value, "variant": "sam"}, max_trials=2000)
