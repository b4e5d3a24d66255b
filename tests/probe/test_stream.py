"""The way into memory: upload, run, capture between markers, and nothing left on the host."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from preflight.capture import decode
from preflight.probe.sources import SOURCES
from preflight.transport.bootstrap import bootstrap
from tests.probe.machine import NOBODY, PATIENCE_S, file, python, tool
from tests.probe.streaming import COMMAND, WAITING, between, launch, listen, send


@pytest.fixture
def host(tmp_path: Path) -> Path:
    root = tmp_path / "host"
    file(root, "/proc/sys/kernel/hostname", "gpu-host\n")
    return root


def test_every_python_runs_it_from_memory(
    probe: Path, host: Path, tmp_path: Path, interpreter: str
) -> None:
    with launch([interpreter, *COMMAND], tmp_path / "temporary") as process:
        send(process, probe, "--root", str(host))
        status, out, errors = listen(process)
    assert status == 0, errors
    capture = decode(between(out))
    assert capture.complete
    assert capture.sources["proc"].files == {"/proc/sys/kernel/hostname": "gpu-host"}
    assert len(errors.splitlines()) == 1 + len(SOURCES)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_bytes_from_the_controller_keep_it_alive(probe: Path, host: Path, tmp_path: Path) -> None:
    """Longer than the 10 s of silence that would end it."""
    tool(host, "nvidia-smi", '[ "$1" = -q ] && sleep 12; echo "$1"')
    with launch(WAITING, tmp_path / "temporary") as process:
        send(process, probe, "--root", str(host))
        status, out, _ = listen(process)
    assert status == 0
    smi = decode(between(out)).sources["smi-q"]
    assert (smi.status, smi.stdout) == ("ok", "-q\n")
    assert smi.duration_s > 10


@pytest.mark.parametrize("how", ["refuses", "lacks"])
def test_without_a_file_in_memory_a_nameless_one_serves(
    probe: Path, host: Path, tmp_path: Path, how: str
) -> None:
    command, env = list(WAITING), {}
    if how == "lacks":
        command[-1] = "import os;del os.memfd_create;" + command[-1]
    else:
        env["LD_PRELOAD"] = str(refusing_kernel(tmp_path))
    with launch(command, tmp_path / "temporary", **env) as process:
        send(process, probe, "--root", str(host))
        status, out, errors = listen(process)
    assert status == 0, errors
    assert decode(between(out)).complete
    assert list((tmp_path / "temporary").iterdir()) == []


def refusing_kernel(folder: Path) -> Path:
    """A library before libc's: memfd_create as a kernel without it answers."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not installed, so no call can be refused")
    code = (
        "#include <errno.h>\nint memfd_create(const char *n, unsigned f) {errno=ENOSYS;return -1;}"
    )
    library = folder / "refusing.so"
    command = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
    subprocess.run(command, input=code, text=True, check=True)
    return library


def test_an_old_python_says_so(tmp_path: Path, probe: Path) -> None:
    old = next(filter(None, (python(version) for version in ("3.7", "3.6", "3.5"))), None)
    if old is None:
        pytest.skip("no Python older than 3.8 is installed")
    with launch([old, *COMMAND], tmp_path / "temporary") as process:
        out, errors = process.communicate(bootstrap(5, []) + b"never", timeout=PATIENCE_S)
    assert (process.returncode, out) == (2, b"")
    event = json.loads(errors)
    assert event["event"] == "refused"
    assert event["detail"].startswith("the probe needs Python 3.8 or newer, this is 3.")


def test_an_upload_that_is_cut_says_so(probe: Path, tmp_path: Path) -> None:
    data = bootstrap(1000, ["--stream", "x"]) + bytes(300)
    with launch(WAITING, tmp_path / "temporary") as process:
        out, errors = process.communicate(data, timeout=PATIENCE_S)
    assert (process.returncode, out) == (2, b"")
    assert json.loads(errors)["detail"].endswith("700 bytes are missing")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_bootstrap_is_one_plain_line() -> None:
    line = bootstrap(12345, ["--stream", "a'b\"c\n\u00e4\\"])
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert line.isascii()


def test_wrong_arguments_over_a_stream(probe: Path, tmp_path: Path) -> None:
    with launch(WAITING, tmp_path / "temporary") as process:
        send(process, probe, "--level", "soak")
        status, out, errors = listen(process)
    assert (status, out) == (2, b"")
    assert b"level soak is not there yet" in errors


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_password_follows_the_probe(probe: Path, open_folder: Path, tmp_path: Path) -> None:
    tool(open_folder, "sudo", 'read -r word; shift 5; echo "$word" | tr a-z A-Z; exec "$@"')
    tool(open_folder, "dmesg", "echo log")
    file(open_folder, "/proc/self/status", f"Uid:\t{NOBODY}\t{NOBODY}\n")
    with launch(WAITING, tmp_path / "temporary") as process:
        arguments = ("--root", str(open_folder), "--sudo", "--sudo-password-stdin")
        send(process, probe, *arguments, then=b"sesame\n")
        status, out, errors = listen(process)
    assert status == 0
    capture = decode(between(out))
    assert capture.sources["dmesg"].stdout == "SESAME\nlog\n"
    assert capture.sources["dmesg"].privileged
    assert capture.probe.sudo
    assert b"sesame" not in out + errors
