"""A server that answers the Hugging Face Hub's own client as far as a repository's files go; a plug-in of pytest."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "0" * 40
_API, _FILES = "/api/datasets/lab/paper", "/datasets/lab/paper/resolve/main/"


class Repository(BaseHTTPRequestHandler):
    """The data set `lab/paper`, whose files lie in a folder."""

    root: Path

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path.startswith(f"{_API}/tree/main"):
            folder = self.root / path.removeprefix(f"{_API}/tree/main").strip("/")
            found = folder.rglob("*") if "recursive=true" in self.path.lower() else folder.glob("*")
            self._tell(*([map(self._entry, sorted(found))] if folder.is_dir() else [[], 404]))
        elif path.startswith(_API):
            self._tell({"id": "lab/paper", "sha": COMMIT, "private": False, "tags": [], "siblings": []})
        else:
            self._send_file(self.root / path.removeprefix(_FILES))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/preupload/main"):
            asked = json.loads(body)["files"]
            self._tell({"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked]})
            return
        if self.path == "/api/validate-yaml":
            self._tell({"errors": [], "warnings": []})
            return
        assert self.path.startswith(f"{_API}/commit/main"), self.path
        for line in map(json.loads, body.decode().splitlines()):
            file = self.root / line["value"].get("path", "none")
            if line["key"] == "deletedFile":
                file.unlink()
            elif line["key"] == "file":
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(base64.b64decode(line["value"]["content"]))
        self._tell({"commitUrl": f"https://huggingface.co/datasets/lab/paper/commit/{COMMIT}", "commitOid": COMMIT})

    def _entry(self, path: Path) -> dict[str, Any]:
        kind, size = ("directory", 0) if path.is_dir() else ("file", path.stat().st_size)
        return {"type": kind, "path": path.relative_to(self.root).as_posix(), "size": size, "oid": COMMIT}

    def _send_file(self, file: Path) -> None:
        if not file.is_file():
            self._tell({"error": "Entry not found"}, 404)
            return
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        data = file.read_bytes()[int(first) : int(last) + 1 if last else None]
        self._answer(data, 206 if "Range" in self.headers else 200)

    def _tell(self, document: Any, code: int = 200) -> None:
        self._answer(json.dumps(list(document) if isinstance(document, map) else document).encode(), code)

    def _answer(self, data: bytes, code: int) -> None:
        self.send_response(code)
        told = {"Content-Length": str(len(data)), "X-Repo-Commit": COMMIT, "ETag": '"x"'}
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The files of `hf://datasets/lab/paper`, as this process sees them at the Hub."""
    folder = tmp_path / "hub"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("At", (Repository,), {"root": folder}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setenv("HF_TOKEN", "hf_none")
    yield folder
    server.shutdown()
    server.server_close()
