"""What the real proxies answer on a public port, with a stand-in for vLLM behind them."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.roles.conftest import ROLES, SERVICES
from tests.roles.test_proxies import certificate, here, lacks
from tests.serving import serving

KEY = "0123456789abcdef" * 16  # the longest that is allowed
NAME = "192.0.2.10"
CLOSED = ["/invocations", "/metrics", "/v1/models/", "/v1/../metrics", "/"]


class Server(BaseHTTPRequestHandler):
    """Answers any path, as vLLM would many, so that only the proxy shuts a door."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(json.dumps({"data": [{"id": "chat"}], "asked": self.path}))

    def do_POST(self) -> None:
        assert isinstance(self.server, Answering)
        self.server.asked += 1
        length = int(self.headers["Content-Length"])
        text = self.rfile.read(length)
        if len(text) < length:
            return  # who asked has broken off
        question = json.loads(text)
        if question.get("stream"):
            self._answer('data: {"a": 1}\n\ndata: [DONE]\n\n', "text/event-stream")
        else:
            self._answer("{}")

    def _answer(self, text: str, kind: str = "application/json") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


class Answering(ThreadingHTTPServer):
    asked = 0  # for an answer, not for its health


def running(port: int) -> contextlib.AbstractContextManager[Answering]:
    return serving(Answering(("127.0.0.1", port), Server))


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """Free ones, in place of those that the configurations name."""
    with contextlib.ExitStack() as stack:
        names = ("8443", "8444", "8001", "8002", "8003")
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
        return dict(zip(names, (s.getsockname()[1] for s in sockets), strict=True))


@pytest.fixture(scope="module")
def servers(ports: dict[str, int]) -> Iterator[None]:
    with running(ports["8001"]), running(ports["8003"]):
        yield


@pytest.fixture(
    params=[
        pytest.param("caddy", marks=lacks("caddy")),
        pytest.param("nginx", marks=lacks("nginx")),
    ]
)
def door(
    request: pytest.FixtureRequest,
    rendered: Path,
    tmp_path: Path,
    ports: dict[str, int],
    servers: None,
) -> Iterator[int]:
    """The public port of a proxy that runs."""
    certificate(rendered)
    path = here(rendered, "Caddyfile" if request.param == "caddy" else "nginx.conf", tmp_path)
    text = path.read_text()
    for old, new in ports.items():
        text = text.replace(f":{old}", f":{new}").replace(f"listen {old}", f"listen {new}")
    path.write_text(text)
    argv = {
        "caddy": ["caddy", "run", "--adapter", "caddyfile", "--config", str(path)],
        "nginx": ["nginx", "-e", "stderr", "-c", str(path)],
    }[request.param]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(argv, env=environment, stdout=log, stderr=log) as proxy,
    ):
        while not greets(ports["8443"]):
            assert proxy.poll() is None, (tmp_path / "log").read_text()
        yield ports["8443"]
        proxy.terminate()


def greets(port: int) -> bool:
    """Whether it has its certificate, which comes a moment after the socket."""
    try:
        encrypted(port).close()
    except OSError:
        return False
    return True


def encrypted(port: int) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    return context.wrap_socket(plain)


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    path = ROLES / "load_balancer/library/load_balancer_ask.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answers(asking: ModuleType, port: int, key: str = KEY) -> dict[str, Any]:
    public = asking.Port(port, NAME, key, 20)
    told: dict[str, Any] = asking.ask({**SERVICES[0], "port": port}, public, CLOSED)
    return told


def test_a_client_with_the_key_gets_inference_and_nothing_else(
    door: int, asking: ModuleType
) -> None:
    told = answers(asking, door)
    assert told["model"] == "chat"
    assert (told["models"], told["whole"], told["streamed"]) == (200, 200, 200)
    assert (told["events"], told["is_ended"]) == (2, True)
    assert told["without_key"] == 401
    assert told["other_name"] in (401, 421)
    assert told["closed"] == dict.fromkeys(CLOSED, 404)


@pytest.mark.parametrize(
    "spelling",
    ["/metrics/../v1/models", "/metrics/%2e%2e/v1/models", "//v1/models", "/v1/./models"],
)
def test_a_path_is_passed_on_as_it_is_named_here(
    door: int, asking: ModuleType, spelling: str
) -> None:
    answers(asking, door)
    status, text = asking.Port(door, NAME, KEY, 20).ask(spelling + "?after=a")
    assert status in (200, 400, 404)
    if status == 200:
        assert json.loads(text)["asked"] == "/v1/models?after=a"


def test_another_case_is_another_key(door: int, asking: ModuleType) -> None:
    assert set(answers(asking, door, key=KEY.upper())["closed"].values()) == {401}


def test_a_name_that_is_not_listed_is_no_way_in(door: int, asking: ModuleType) -> None:
    answers(asking, door)
    other = asking.Port(door, "elsewhere.invalid", "", 20)
    for path in ("/v1/models", "/metrics", "/"):
        status, text = other.ask(path)
        assert status in (401, 421), path
        assert "error" in text


def test_a_wrong_key_is_told_apart(door: int, asking: ModuleType) -> None:
    told = answers(asking, door, key="x" * 20)
    assert (told["models"], told["whole"], told["without_key"]) == (401, 401, 401)
    assert set(told["closed"].values()) == {401}


BODY = {"model": "chat", "prompt": "x" * 1000}


def test_a_server_that_has_gone_costs_no_request(
    door: int, ports: dict[str, int], asking: ModuleType
) -> None:
    """Its connection is refused; the other gets the request with its body."""
    public = asking.Port(door, NAME, KEY, 20)
    with running(ports["8002"]) as second:
        while not second.asked:
            assert public.ask("/v1/completions", BODY)[0] == 200
    answers = [public.ask("/v1/completions", BODY)[0] for _ in range(12)]
    assert answers == [200] * 12


def test_what_is_too_large_or_breaks_off_costs_the_others_nothing(
    door: int, asking: ModuleType
) -> None:
    public = asking.Port(door, NAME, KEY, 20)
    head = f"POST /v1/completions HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Bearer {KEY}\r\n"
    for length, sent in ((1 << 40, b""), (100_000, b"x" * 50_000)):
        with encrypted(door) as client:
            client.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + sent)
            if length > 1 << 30:
                assert b" 413 " in client.recv(1000)
        answers = [public.ask("/v1/completions", BODY)[0] for _ in range(8)]
        assert answers == [200] * 8


def test_nobody_answers_with_status_0(asking: ModuleType) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert asking.Port(port, NAME, KEY, 5).ask("/v1/models")[0] == 0
