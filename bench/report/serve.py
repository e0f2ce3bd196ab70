"""Serve: the report of sweeps under way, in a browser, while results come in.

Read-only: it answers GET and nothing else, on this machine unless told otherwise. Its address has a new token each
time, because everybody who is logged in on a machine shares its loopback interface; requests for other host names are
refused, so that no foreign page can reach it through the reader's browser.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.errors import UserError
from bench.report.page import report
from bench.report.under_way import running
from bench.store import Readable, states
from bench.store.read.query import as_list
from bench.sweep import Sweep

_FRESH = 2.0
"""Seconds for which a state is reused."""


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

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong, unless it is only that the browser hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


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
        """Answer with the page, or with a digest of its state; 404 for anything else."""
        address, port = self.server.server_address[:2]
        names = {f"{name}:{port}" for name in ("localhost", "127.0.0.1", str(address))}
        places = {f"/{self.server.token}/": self._page, f"/{self.server.token}/state": self._state}
        asked = self.path.encode()
        find = next((place for path, place in places.items() if secrets.compare_digest(path.encode(), asked)), None)
        if find is None or self.headers.get("Host") not in names:
            self.send_error(404)
            return
        try:
            body, kind = find()
        except (UserError, OSError) as error:
            self.send_error(503, explain=str(error))
            return
        self._send(body, kind)

    def _page(self) -> tuple[bytes, str]:
        return self.server.page(), "text/html; charset=utf-8"

    def _state(self) -> tuple[bytes, str]:
        return self.server.state().encode(), "text/plain"

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
        """Print nothing about requests: their paths hold the token."""
