"""The served report: what it shows of trials under way, and who may see it."""

from __future__ import annotations

import socket
import struct
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from bench.report import serve
from bench.report.serve import Server
from bench.report.under_way import line
from bench.store import Claim, Store, acquire
from bench.store.progress import EpochProgress, write_progress
from bench.sweep import Sweep, load
from tests.shared.command import Ended
from tests.shared.store import finish


@pytest.fixture
def sweep(tiny_sweep: object) -> Sweep:
    return load(tiny_sweep)  # type: ignore[arg-type]


@pytest.fixture
def held(store: Store, sweep: Sweep) -> Claim:
    """One trial is done, and somebody is at another."""
    finish(store, sweep.trials[0], test_quality=91.5)
    store.add([sweep.trials[1]])
    folder = store.folder(sweep.trials[1].trial_id)
    write_progress(folder, EpochProgress(epoch=3, epochs=5, quality=81.5, seconds=4.0, curve=[60.0, 75.0, 81.5]))
    claim = acquire(store, folder, "test")
    assert claim is not None
    return claim


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, store: Store, sweep: Sweep, held: Claim) -> Iterator[Server]:
    monkeypatch.setattr(serve, "_FRESH", -1.0)
    with Server([store], [sweep], "127.0.0.1", 0) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def get(url: str, **headers: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_it_shows_what_runs_and_tells_when_more_is_there(
    server: Server, store: Store, sweep: Sweep, held: Claim
) -> None:
    _, before = get(f"{server.url}state")
    status, page = get(server.url)
    assert status == 200
    assert "1 done, 1 running" in page
    assert "<td>3/5</td><td>81.5 %</td><td>0:00:08</td>" in page
    assert '<polyline points="0.0,24.0 30.0,7.3 60.0,0.0"/>' in page
    assert get(f"{server.url}state") == (200, before)
    finish(store, sweep.trials[2], test_quality=80.0)
    assert get(f"{server.url}state")[1] != before
    assert "2 done, 1 running" in get(server.url)[1]
    held.abandon()


def test_nobody_without_the_address_sees_anything(server: Server) -> None:
    root = server.url.replace(f"{server.token}/", "")
    for url in (root, f"{root}state", f"{root}x{server.token[1:]}/", f"{server.url}../", f"{server.url}store.json"):
        assert get(url)[0] == 404
    assert get(server.url, Host="evil.example")[0] == 404
    request = urllib.request.Request(server.url, data=b"x", method="POST")
    with pytest.raises(urllib.error.HTTPError, match="501"):
        urllib.request.urlopen(request)


def test_a_port_that_is_taken_is_said_so(server: Server, sambench: Callable[..., Ended], tiny_sweep: object) -> None:
    port = server.server_address[1]
    told = sambench("serve", tiny_sweep, "--port", port)
    assert told.returncode == 2
    assert f"127.0.0.1:{port}: can't listen there: Address already in use" in told.stderr


def test_a_curve_is_as_wide_as_the_training_is_done() -> None:
    assert line([50.0], 10) == ""
    assert line([50.0, 50.0], 2) == "0.0,24.0 120.0,24.0"


def test_odd_requests_leave_nothing_on_the_terminal(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    host, port = server.server_address[:2]
    for request in (b"GET /\xe9/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /\xff\r\n\r\n"):
        with socket.create_connection((str(host), int(port))) as client:
            client.sendall(request)
            assert b" 404 " in client.recv(1000)
    with socket.create_connection((str(host), int(port))) as client:
        client.sendall(f"GET /{server.token}/ HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        # Hangs up at once, with a reset.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert get(server.url)[0] == 200
    assert capfd.readouterr().err == ""


def test_a_store_that_cannot_be_read_is_told_to_the_browser(server: Server, store: Store) -> None:
    store.trials.rename(store.root / "moved")
    store.trials.symlink_to("moved")
    status, told = get(server.url)
    assert (status, "is a link" in told) == (503, True)
