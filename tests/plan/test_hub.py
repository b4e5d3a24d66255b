"""A model named by its repository, asked of a hub that speaks the real one's API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from preflight.catalog.models import model as catalogued
from tests.plan.checkpoint import safetensors
from tests.serving import serving

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OLDER = "89abcdef0123456789abcdef0123456789abcdef"
TOKEN = "hf_0123456789"
SMALL: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 256,
    "max_position_embeddings": 512,
    "tie_word_embeddings": False,
}
# Tells, as one JSON line, what find() made of the name or why it refused.
LOOK = """
import json, sys
from preflight.errors import PreflightError
from preflight.plan.lookup import find
try:
    model = find(sys.argv[1])
    print(json.dumps([model.name, model.hidden_size, model.measured_bytes, model.revision,
                      model.format.name]))
except PreflightError as error:
    print(json.dumps([type(error).__name__, error.exit_status, str(error), error.hint]))
"""


class Hub(BaseHTTPRequestHandler):
    """Serves `files` by commit; counts the bytes of weights that were sent."""

    protocol_version = "HTTP/1.1"
    files: ClassVar[dict[str, dict[str, bytes]]] = {}
    is_gated: ClassVar[bool] = False
    is_failing: ClassVar[bool] = False
    weight_bytes: ClassVar[int] = 0
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        Hub.asked.append(self.path)
        parts = self.path.partition("?")[0].strip("/").split("/")
        if self.is_failing:
            return self._send(500, b"no")
        if self.is_gated and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(401, b"", {"X-Error-Code": "GatedRepo"})
        if parts[:2] == ["api", "models"]:
            return self._about(parts[2:])
        return self._file(parts)

    do_HEAD = do_GET

    def _about(self, parts: list[str]) -> None:
        revision = parts[3] if len(parts) > 3 else "main"
        commit = {"main": COMMIT, "older": OLDER}.get(revision, revision)
        if parts[:2] != ["owner", "name"]:
            return self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        if commit not in self.files:
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        siblings = [{"rfilename": n, "size": len(d)} for n, d in self.files[commit].items()]
        about = {"id": "owner/name", "sha": commit, "siblings": siblings}
        return self._send(200, json.dumps(about).encode())

    def _file(self, parts: list[str]) -> None:
        at_commit = self.files.get(parts[3], {}) if len(parts) == 5 else {}
        data = at_commit.get(parts[-1])
        if data is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        start, _, end = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        part = data[int(start) : int(end) + 1 if end else None]
        if parts[4].endswith(".safetensors") and self.command == "GET":
            Hub.weight_bytes += len(part)
        about = {"ETag": f'"{parts[3]}-{parts[4]}"', "X-Repo-Commit": parts[3]}
        about["Content-Range"] = f"bytes {start}-{int(start) + len(part) - 1}/{len(data)}"
        return self._send(206 if "Range" in self.headers else 200, part, about)

    def _send(self, status: int, body: bytes, about: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (about or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


@pytest.fixture
def hub() -> Iterator[str]:
    config = json.dumps(SMALL).encode()
    weights = safetensors({"model.embed_tokens.weight": 256 * 64 * 2, "lm_head.weight": 4 << 20})
    Hub.files = {
        COMMIT: {"config.json": config, "model.safetensors": weights},
        OLDER: {"config.json": json.dumps({**SMALL, "hidden_size": 32}).encode()},
    }
    Hub.is_gated, Hub.is_failing, Hub.weight_bytes, Hub.asked = False, False, 0, []
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Hub)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def look(name: str, home: Path, endpoint: str, **environment: str) -> list[Any]:
    """What a process of its own finds: huggingface_hub reads its environment once."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOOK, name],
        env=kept | {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr == ""
    found: list[Any] = json.loads(done.stdout)
    return found


def test_config_and_headers_come_of_one_commit_and_no_weights(hub: str, tmp_path: Path) -> None:
    found = look("owner/name", tmp_path, hub)
    assert found == ["owner/name", 64, 256 * 64 * 2 + (4 << 20), COMMIT, "bf16"]
    assert 0 < Hub.weight_bytes < 1 << 20
    files = [path for path in Hub.asked if "/resolve/" in path]
    assert files
    assert all(f"/resolve/{COMMIT}/" in path for path in files)


def test_a_revision_is_taken_as_it_is_named(hub: str, tmp_path: Path) -> None:
    assert look("owner/name@older", tmp_path, hub) == ["owner/name", 32, None, OLDER, "bf16"]
    kind, status, said, _ = look("owner/name@none", tmp_path, hub)
    assert (kind, status) == ("UsageError", 2)
    assert "no such revision" in said


def test_a_gated_model_needs_the_token_from_its_usual_place(hub: str, tmp_path: Path) -> None:
    Hub.is_gated = True
    kind, status, said, hint = look("owner/name", tmp_path, hub)
    assert (kind, status) == ("UsageError", 2)
    assert "asks for permission" in said
    assert "hf auth login" in hint
    (tmp_path / "token").write_text(TOKEN)
    assert look("owner/name", tmp_path, hub)[1] == 64


def test_offline_takes_what_an_earlier_visit_left(hub: str, tmp_path: Path) -> None:
    offline = {"HF_HUB_OFFLINE": "1"}
    kind, status, said, _ = look("owner/name", tmp_path, hub, **offline)
    assert (kind, status) == ("Unreachable", 3)
    assert "was not asked" in said
    look("owner/name", tmp_path, hub)
    Hub.asked.clear()
    assert look("owner/name", tmp_path, hub, **offline) == ["owner/name", 64, None, COMMIT, "bf16"]
    assert Hub.asked == []


def test_what_modelopt_writes_beside_the_config_is_read(hub: str, tmp_path: Path) -> None:
    beside = {"quantization": {"quant_algo": "NVFP4", "exclude_modules": ["lm_head"]}}
    Hub.files[COMMIT]["hf_quant_config.json"] = json.dumps(beside).encode()
    assert look("owner/name", tmp_path, hub)[4] == "nvfp4"


@pytest.mark.parametrize(
    ("name", "exit_status", "words"),
    [
        ("owner/other", 2, "no such repository"),
        ("owner/..", 2, "no name of a repository"),
    ],
)
def test_what_is_not_there(
    hub: str, tmp_path: Path, name: str, exit_status: int, words: str
) -> None:
    _, status, said, _ = look(name, tmp_path, hub)
    assert status == exit_status
    assert words in said


def test_a_repository_without_config_says_so(hub: str, tmp_path: Path) -> None:
    del Hub.files[COMMIT]["config.json"]
    _, status, said, hint = look("owner/name", tmp_path, hub)
    assert (status, said) == (2, "owner/name has no config.json")
    assert "GGUF" in hint


def test_a_config_too_large_is_not_fetched(hub: str, tmp_path: Path) -> None:
    Hub.files[COMMIT]["config.json"] = b" " * (9 << 20)
    _, status, said, _ = look("owner/name", tmp_path, hub)
    assert (status, "larger" in said) == (2, True)
    assert not any("/resolve/" in path for path in Hub.asked)


def test_a_hub_that_fails_or_is_gone_cannot_be_judged(hub: str, tmp_path: Path) -> None:
    Hub.is_failing = True
    assert look("owner/name", tmp_path, hub)[:2] == ["Unreachable", 3]
    assert look("owner/name", tmp_path, "http://127.0.0.1:9")[:2] == ["Unreachable", 3]


def test_the_catalogue_is_asked_before_the_hub(hub: str, tmp_path: Path) -> None:
    entry = catalogued("llama-3.1-8b")
    assert entry is not None
    assert look(entry.repo, tmp_path, hub)[:2] == ["llama-3.1-8b", 4096]
    assert Hub.asked == []
