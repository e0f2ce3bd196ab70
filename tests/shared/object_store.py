"""A server that speaks S3, on this machine, as a user's settings would name it; a plug-in of pytest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    """Address of a server with the bucket `bucket`."""
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    address = "{}:{}".format(*running.get_host_and_port())
    urlopen(Request(f"http://{address}/bucket", method="PUT"), timeout=10).close()
    yield address
    running.stop()


@pytest.fixture
def on_s3(object_store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The environment of whoever uses that server; its address."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{object_store}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return object_store
