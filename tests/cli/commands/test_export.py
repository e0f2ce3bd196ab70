"""Results in other hands: exported to a server that speaks S3 and back, and read as loose files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.request import Request, urlopen

import duckdb
import pytest

from bench.errors import UserError
from bench.store import Store, read_exported
from bench.trial import Trial
from tests.cli.conftest import Call
from tests.shared.store import finish

pytestmark = pytest.mark.usefixtures("on_s3")


@pytest.fixture
def filled(store: Store, make_trial: Callable[..., Trial]) -> Store:
    for seed in range(3):
        finish(store, make_trial(seed=seed), test_accuracy=90.0 + seed)
    return store


def test_there_and_back(filled: Store, call: Call, object_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = call("store", "export", "s3://bucket/deep/results.parquet")
    assert (told.code, told.err) == (0, "wrote 3 rows, one per trial, to s3://bucket/deep/results.parquet\n")
    assert call("query", "SELECT seed FROM results", "--parquet", "s3://bucket/seeds.parquet").code == 0
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    there = f"?endpoint_override={object_store}&scheme=http"
    results = read_exported(f"s3://bucket/deep/results.parquet{there}")
    assert duckdb.sql("SELECT avg(test_accuracy) FROM results WHERE outcome = 'done'").fetchall() == [(91.0,)]
    assert read_exported(f"s3://bucket/seeds.parquet{there}").column_names == ["seed"]
    assert results.num_rows == 3


@pytest.fixture
def strict(object_store: str) -> Iterator[None]:
    """The server lets nobody in, since it knows no keys."""

    def check_after(requests: float) -> None:
        switch = f"http://{object_store}/moto-api/reset-auth"
        sent = Request(switch, data=str(requests).encode(), headers={"Content-Type": "text/plain"})
        urlopen(sent, timeout=10).close()

    check_after(0)
    yield
    check_after(float("inf"))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("s3://other/r.parquet", "can't be written: NO_SUCH_BUCKET: The specified bucket does not exist"),
        ("s3://bucket", "names a bucket alone: write s3://BUCKET/FILE.parquet"),
        ("s3://bucket/r.parquet?endpoint_override=127.0.0.1:9&scheme=http", "NETWORK_CONNECTION: Failed to connect"),
        ("s3://bucket/r.parquet?endpoint=there", "Unexpected query parameter in S3 URI: 'endpoint'"),
        ("s4://bucket/r.parquet", "write s3://, hf://, gs://, hdfs:// or file://"),
    ],
)
def test_what_does_not_go_is_one_line(filled: Store, call: Call, target: str, said: str) -> None:
    told = call("store", "export", target)
    assert told.code == 2
    assert told.err.startswith(f"{target}: ")
    assert said in told.err
    assert told.err.count("\n") == 1


def test_reading_what_is_not_there() -> None:
    for source in ("s3://bucket/none.parquet", "s3://other/none.parquet"):
        with pytest.raises(UserError, match=r"none\.parquet: can't be read as results: nothing is there"):
            read_exported(source)


@pytest.mark.usefixtures("strict")
def test_who_is_refused_is_told_where_credentials_come_from(filled: Store, call: Call) -> None:
    told = call("store", "export", "s3://bucket/r.parquet")
    assert told.code == 2
    assert "INVALID_ACCESS_KEY_ID: The AWS Access Key Id you provided does not exist" in told.err
    assert "credentials are read from AWS_ACCESS_KEY_ID" in told.err


def test_loose_files_are_read_by_the_documented_glob(filled: Store) -> None:
    attempts = f"{filled.root}/trials/*/attempts/*.parquet"
    assert duckdb.sql(f"SELECT outcome, count(*) FROM '{attempts}' GROUP BY 1").fetchall() == [("done", 3)]
