"""Serve: the report of running sweeps, for a browser, while results come in.

Only to be read: it answers GET and nothing else, on this machine unless told otherwise. Its address has a token,
another one each time, because everybody who is logged in on a machine shares its loopback; names of other machines are
refused, so that no foreign page can reach it through the reader's browser.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.report.page import report
from bench.report.under_way import running
from bench.store import Readable, states
from bench.store.read.query import as_list
from bench.sweep import Sweep

_FRESH = 2.0
"""Seconds for which an answer is kept."""


class Server(ThreadingHTTPServer):
    """Answers with the report."""

    daemon_threads = True

    def __init__(self, stores: Readable, sweeps: Sequence[Sweep], host: str, port: int, *, spread: str = "std") -> None:
        super().__init__((host, port), Handler)
        self.token = secrets.token_urlsafe(16)
        self._stores, self._sweeps, self._spread = stores, sweeps, spread
        self._lock = threading.Lock()
        self._state, self._looked = "", 0.0
        self._page, self._page_of = b"", ""

    @property
    def url(self) -> str:
        """Where to look; whoever has it can read the results."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}/{self.token}/"

    def state(self) -> str:
        """A digest of what a page would show."""
        with self._lock:
            if time.monotonic() - self._looked > _FRESH:
                self._state, self._looked = _digest(self._stores, self._sweeps), time.monotonic()
            return self._state

    def page(self) -> bytes:
        """The report as it is now."""
        state = self.state()
        with self._lock:
            if self._page_of != state:
                page = report(self._stores, self._sweeps, spread=self._spread, live=True)
                self._page, self._page_of = page.encode(), state
            return self._page


def _digest(stores: Readable, sweeps: Sequence[Sweep]) -> str:
    told: list[Any] = [str(store.root) for store in as_list(stores)]
    for sweep in sweeps:
        found = states(stores, [trial.trial_id for trial in sweep.trials], sweep.retries)
        told += [(trial_id, state.status, state.attempts) for trial_id, state in found.items()]
        told += running(sweep, found)
    return hashlib.sha256(repr(told).encode()).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        """The page, what tells one state of it from another, or that there is nothing."""
        address, port = self.server.server_address[:2]
        names = {f"{name}:{port}" for name in ("localhost", "127.0.0.1", str(address))}
        places = {f"/{self.server.token}/": self._page, f"/{self.server.token}/state": self._state}
        find = next((place for path, place in places.items() if secrets.compare_digest(path, self.path)), None)
        if find is None or self.headers.get("Host") not in names:
            self.send_error(404)
            return
        find()

    def _page(self) -> None:
        self._send(self.server.page(), "text/html; charset=utf-8")

    def _state(self) -> None:
        self._send(self.server.state().encode(), "text/plain")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed of requests: their paths hold the token."""
