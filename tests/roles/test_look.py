"""The module that looks at a host's servers, at files and programs that are really there."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import socket
from pathlib import Path
from types import ModuleType

import pytest

from tests.roles.conftest import ROLES


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    path = ROLES / "vllm_service/library/vllm_service_look.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SETTINGS", str(tmp_path / "settings"))
    monkeypatch.setattr(module, "PROGRAMS", str(tmp_path / "programs"))
    return module


class Sums:
    """The one thing of Ansible's that is asked for."""

    def sha1(self, path: str) -> str:
        return hashlib.sha1(Path(path).read_bytes()).hexdigest()


def _program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_bare_host_has_nothing(look: ModuleType) -> None:
    assert look.names() == []
    assert look.programs(Sums()) == {}


def test_servers_are_those_that_have_settings(look: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "settings").mkdir()
    for name in ("b.yaml", "a.yaml", "a.env", "api-key"):
        (tmp_path / "settings" / name).write_text("port: 8001\n")
    assert look.names() == ["a", "b"]


@pytest.mark.skipif(os.geteuid() != 0, reason="NO ROOT: programs are root's")
def test_a_program_that_others_may_write_counts_as_none(look: ModuleType, tmp_path: Path) -> None:
    good = _program(tmp_path / "programs", "good", "true")
    _program(tmp_path / "programs", "open", "true").chmod(0o777)
    (tmp_path / "programs/link").symlink_to(good)
    assert look.programs(Sums()) == {"good": Sums().sha1(str(good))}


def test_a_server_is_current_where_its_own_program_says_so(
    look: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings/main.yaml").write_text("port: 8001\n")
    _program(tmp_path / "programs", "vllm-is-current", 'test "$1 $2" = "/opt/vllm main"')
    properties = f"ActiveState=active UnitFileState=enabled MainPID={os.getpid()} InvocationID="
    _program(tmp_path / "bin", "systemctl", f"printf '%s\\n' {properties} NRestarts=2")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    told = look.server("main", "/opt/vllm", False)
    assert (told["is_current"], told["is_enabled"], told["is_running"]) == (True, True, False)
    assert (told["state"], told["restarts"], told["pid"]) == ("active", "2", os.getpid())
    assert told["settings"] == "port: 8001\n"
    assert told["arguments"] == Path("/proc/self/cmdline").read_text().split("\0")[:-1]
    assert look.server("main", "/elsewhere", False)["is_current"] is False


def test_a_long_journal_gives_its_beginning_and_is_left(
    look: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'echo "GPU KV cache size: 2,048 tokens"; exec yes "GET /v1/models 200"'
    _program(tmp_path / "bin", "journalctl", script)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    text = look.journal("0123")
    assert text.startswith("GPU KV cache size: 2,048 tokens\n")
    assert len(text) == look.JOURNAL_BYTES
    assert look.journal("") == ""


def test_sockets_are_told_with_their_addresses(look: ModuleType) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert f"127.0.0.1:{listener.getsockname()[1]}" in look.listening()


def test_a_server_holds_what_it_was_started_on(
    look: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its settings may name other cards and another port by now."""
    monkeypatch.setattr(look, "STARTED", str(tmp_path / "started"))
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings/main.yaml").write_text("model: /srv/a\nport: 8001\n")
    (tmp_path / "settings/main.env").write_text('A="b"\nCUDA_VISIBLE_DEVICES="2,3"\n')
    assert look.started_on("main") == ("8001", "2,3")
    (tmp_path / "started/main").mkdir(parents=True)
    (tmp_path / "started/main/settings.yaml").write_text("port: 8009\n")
    (tmp_path / "started/main/environment").write_text('CUDA_VISIBLE_DEVICES="0"\n')
    assert look.started_on("main") == ("8009", "0")
    assert look.started_on("other") == ("0", "")
