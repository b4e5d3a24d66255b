"""A hub of one model on the controller: what the real client asks a hub for, and no more."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REPO = "owner/tiny"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = "model.safetensors"


class Hub(ThreadingHTTPServer):
    """Serves the files of a folder; the weights stop in their middle as long as `holds` is set."""

    def __init__(self, address: str, folder: Path) -> None:
        super().__init__((address, 0), _Answer)
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.holds = False
        self.fetched: list[str] = []  # names, as often as each was asked for
        self.held = threading.Event()  # half of the weights has been sent
        self.closing = threading.Event()

    @property
    def endpoint(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        files = self.server.files
        if "/tree/" in self.path:
            listed = [
                {"type": "file", "path": name, "size": len(data), "oid": COMMIT}
                for name, data in files.items()
            ]
            self._send(json.dumps(listed).encode())
        elif self.path.startswith("/api/models/"):
            siblings = [{"rfilename": name, "size": len(data)} for name, data in files.items()]
            about = {"id": REPO, "sha": COMMIT, "siblings": siblings}
            self._send(json.dumps(about).encode())
        else:
            self._file(self.path.rpartition("/")[2])

    do_HEAD = do_GET

    def _file(self, name: str) -> None:
        if self.command == "GET":
            self.server.fetched.append(name)
        first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        stops = name == WEIGHTS and self.server.holds and self.command == "GET"
        self._send(self.server.files[name], first, stops=stops)

    def _send(self, body: bytes, first: int = 0, *, stops: bool = False) -> None:
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(body) - first))
        self.send_header("ETag", f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[first : len(body) // 2 if stops else None])
        if stops:
            self.server.held.set()
            self.server.closing.wait()

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


@contextmanager
def hub(address: str, folder: Path) -> Iterator[Hub]:
    server = Hub(address, folder)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
