"""The download of a model, by the hub's real client, from a hub that behaves as it is told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.roles.conftest import HOME, ROLES
from tests.serving import serving

FETCH = ROLES / "vllm/files/vllm-fetch"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_0123456789"
FILES = {"config.json": b"{}", "model.safetensors": bytes(range(256)) * (80 << 10)}
CHUNK = 10 << 20  # the client writes and resumes by so many bytes


class Hub(BaseHTTPRequestHandler):
    """Serves one gated model, and breaks off the large file in its middle so often as is told."""

    protocol_version = "HTTP/1.1"
    breaks = 0
    asked: list[tuple[str, int]]  # file and first byte of each download

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send(401, b'{"error": "no access"}')
        elif "/tree/" in self.path:
            tree = [
                {"type": "file", "path": name, "size": len(data), "oid": COMMIT}
                for name, data in FILES.items()
            ]
            self._send(200, json.dumps(tree).encode())
        elif self.path.startswith("/api/models/"):
            siblings = [{"rfilename": name, "size": len(data)} for name, data in FILES.items()]
            about = {"id": "owner/name", "sha": COMMIT, "siblings": siblings}
            self._send(200, json.dumps(about).encode())
        else:
            self._file(self.path.rpartition("/")[2])

    do_HEAD = do_GET

    def _file(self, name: str) -> None:
        data = FILES[name]
        first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if self.command == "GET":
            self.asked.append((name, first))
        self._send(206 if first else 200, data[first:], first, len(data))

    def _send(self, status: int, body: bytes, first: int = 0, whole: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{COMMIT}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{(whole or 0) - 1}/{whole}")
        self.end_headers()
        if self.command == "HEAD":
            return
        if (whole or 0) > CHUNK and Hub.breaks > 0:
            Hub.breaks -= 1
            self.wfile.write(body[: CHUNK + 100 - first])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


@pytest.fixture
def hub() -> Iterator[ThreadingHTTPServer]:
    Hub.breaks, Hub.asked = 0, []
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Hub)) as server:
        yield server


def fetch(
    folder: Path, hub: ThreadingHTTPServer, *, token: str = TOKEN, reserve_gib: int = 0
) -> subprocess.CompletedProcess[str]:
    """As the unit runs it, with its own environment and credential."""
    (folder / "token").write_text(f"{token}\n")
    return subprocess.run(
        [sys.executable, "-I", FETCH],
        env=HOME
        | {
            "HOME": str(folder),
            "HF_HOME": str(folder / "home"),
            "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
            "CREDENTIALS_DIRECTORY": str(folder),
            "MODEL_REPO": "owner/name",
            "MODEL_REVISION": COMMIT,
            "MODEL_FOLDER": str(folder / "model"),
            "MODEL_RESERVE_GIB": str(reserve_gib),
        },
        capture_output=True,
        text=True,
    )


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What the role shows of a failure: the last line."""
    return done.stderr.splitlines()[-1]


def test_a_model_comes_whole_and_is_marked(tmp_path: Path, hub: ThreadingHTTPServer) -> None:
    done = fetch(tmp_path, hub)
    assert done.returncode == 0, done.stderr
    for name, data in FILES.items():
        assert (tmp_path / "model" / name).read_bytes() == data
    assert (tmp_path / "model" / f".revision-{COMMIT}").exists()


def test_a_connection_that_breaks_goes_on_where_it_was(
    tmp_path: Path, hub: ThreadingHTTPServer
) -> None:
    Hub.breaks = 1
    done = fetch(tmp_path, hub)
    assert done.returncode == 0, done.stderr
    starts = [first for name, first in Hub.asked if name == "model.safetensors"]
    assert starts == [0, CHUNK]
    assert (tmp_path / "model/model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_files_that_came_whole_are_not_fetched_again(
    tmp_path: Path, hub: ThreadingHTTPServer
) -> None:
    Hub.breaks = 1000
    done = fetch(tmp_path, hub)
    assert done.returncode == 1
    assert "peer closed connection" in told(done)
    assert not (tmp_path / "model" / f".revision-{COMMIT}").exists()
    Hub.breaks, Hub.asked = 0, []
    assert fetch(tmp_path, hub).returncode == 0
    assert Hub.asked == [("model.safetensors", 0)]
    assert (tmp_path / "model" / f".revision-{COMMIT}").exists()


def test_a_disk_that_is_too_small_is_told_before_a_byte_comes(
    tmp_path: Path, hub: ThreadingHTTPServer
) -> None:
    done = fetch(tmp_path, hub, reserve_gib=1 << 20)
    assert done.returncode == 1
    assert "must stay free, but" in told(done)
    assert Hub.asked == []


def test_a_token_that_is_refused_is_told_and_not_shown(
    tmp_path: Path, hub: ThreadingHTTPServer
) -> None:
    done = fetch(tmp_path, hub, token="hf_wrong")
    assert done.returncode == 1
    assert "401" in told(done)
    assert "hf_wrong" not in done.stderr + done.stdout


def test_a_hub_that_cannot_be_reached_is_told(tmp_path: Path, hub: ThreadingHTTPServer) -> None:
    hub.server_close()
    done = fetch(tmp_path, hub)
    assert done.returncode == 1
    assert "Connection refused" in told(done)
