"""The whole run of level look, with every Python that it is made for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.capture import decode
from preflight.probe.sources import SOURCES
from tests.probe.machine import PATIENCE_S, PROBE, file, python, tool


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A small machine: one tool works, one fails, all others are absent."""
    root = tmp_path / "host"
    tool(root, "nvidia-smi", 'case "$1" in -q) echo "<nvidia_smi_log/>";; *) exit 6;; esac')
    file(root, "/proc/sys/kernel/hostname", "gpu-host\n")
    file(root, "/proc/self/status", "Name:\tx\nUid:\t1000\t1001\t1000\t1000\n")
    file(root, "/etc/passwd", "root:x:0:0::/:/bin/sh\ncarl:x:1001:1001::/:/bin/sh\n")
    return root


def run(command: list[str], **more: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, timeout=PATIENCE_S, **more)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("flags", [[], ["-I", "-S"]], ids=["plain", "bare"])
def test_a_capture_on_stdout_and_progress_on_stderr(
    probe: Path, host: Path, interpreter: str, flags: list[str]
) -> None:
    done = run([interpreter, *flags, str(probe), "--root", str(host)])
    assert done.returncode == 0, done.stderr
    capture = decode(done.stdout)
    assert capture.complete
    assert capture.level == "look"
    assert (capture.probe.uid, capture.probe.user) == (1001, "carl")
    assert set(capture.sources) == {source.name for source in SOURCES}
    assert capture.sources["smi-q"].stdout == "<nvidia_smi_log/>\n"
    assert capture.sources["smi-topo"].exit_code == 6
    assert capture.sources["lspci"].status == "tool-absent"
    assert capture.sources["proc"].files["/proc/sys/kernel/hostname"] == "gpu-host"
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert events[0] == {"event": "start", "sources": len(SOURCES)}
    assert {event["name"] for event in events[1:]} == set(capture.sources)
    assert [event["done"] for event in events[1:]] == list(range(1, len(SOURCES) + 1))
    assert {event["of"] for event in events[1:]} == {len(SOURCES)}


def test_this_machine(probe: Path) -> None:
    done = run([sys.executable, str(probe)])
    assert done.returncode == 0, done.stderr
    capture = decode(done.stdout)
    assert capture.complete
    assert capture.probe.uid == os.geteuid()
    assert "MemTotal" in capture.sources["proc"].files["/proc/meminfo"]
    assert capture.sources["df"].stdout.startswith("Filesystem")
    assert capture.started < capture.finished
    assert not capture.sources["proc"].files["/proc/stat"].startswith("cpu")


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-", "</dev/null 2>/dev/null"])
def test_streams_that_are_closed(probe: Path, host: Path, closed: str) -> None:
    command = f'exec "{sys.executable}" "{probe}" --root "{host}" {closed}'
    done = run(["sh", "-c", command])
    assert done.returncode == 0
    assert decode(done.stdout).complete


def test_without_stdout_there_is_nothing_to_do(probe: Path) -> None:
    done = run(["sh", "-c", f'exec "{sys.executable}" "{probe}" >&-'])
    assert done.returncode == 2
    assert done.stderr.startswith(b"probe: stdout is closed")


def test_a_full_disk_is_told(probe: Path, host: Path) -> None:
    done = run(["sh", "-c", f'exec "{sys.executable}" "{probe}" --root "{host}" > /dev/full'])
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr


@pytest.mark.parametrize("where", ["> both 2>&1", ">> both 2>&1", "2>&1 | cat > both"])
def test_where_both_streams_are_one_there_is_the_capture_alone(
    probe: Path, host: Path, tmp_path: Path, where: str
) -> None:
    """nohup sends stderr of a terminal after stdout; cron has one pipe for both."""
    run(["sh", "-c", f'"{sys.executable}" "{probe}" --root "{host}" {where}'], cwd=tmp_path)
    assert decode((tmp_path / "both").read_bytes()).complete


def test_a_full_disk_under_stderr_costs_no_capture(probe: Path, host: Path) -> None:
    done = run(["sh", "-c", f'exec "{sys.executable}" "{probe}" --root "{host}" 2> /dev/full'])
    assert done.returncode == 0
    assert decode(done.stdout).complete


def test_an_older_python_is_named(probe: Path) -> None:
    found = [(version, python(version)) for version in ("2.7", "3.6", "3.7")]
    older = [(version, program) for version, program in found if program]
    if not older:
        pytest.skip("no Python older than 3.8 is installed")
    for version, program in older:
        done = run([program, str(probe)])
        assert done.returncode == 1
        assert done.stderr.startswith(
            b"probe: needs Python 3.8 or newer, this is " + version.encode()
        )


def test_under_nohup_a_hangup_is_ignored(probe: Path, host: Path) -> None:
    tool(host, "dmesg", "kill -HUP $PPID; echo sent")
    done = run(["nohup", sys.executable, str(probe), "--root", str(host)])
    assert done.returncode == 0
    assert decode(done.stdout).sources["dmesg"].stdout == "sent\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--level", "measure", "--root", "."], "--level measure measures this host"),
        (["--level", "measure", "--within", "10m"], "--within 10m: a whole number of seconds"),
        (["--level", "measure", "--within", "²"], "--within ²: a whole number of seconds"),
        (["--level", "measure", "--within", "9" * 5000], "--within 99999"),
        (["--level", "measure", "--within=0"], "--within 0: a whole number of seconds"),
        (["--level=soak"], "level soak is not there yet"),
        (["--level"], "--level needs a value"),
        (["--verbose"], "unknown argument --verbose"),
        (["look"], "unknown argument look"),
        (["--root", "/nowhere"], "--root /nowhere is no folder"),
    ],
)
def test_wrong_arguments(probe: Path, arguments: list[str], words: str) -> None:
    done = run([sys.executable, str(probe), *arguments])
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode().startswith(f"probe: {words}")
    assert done.stderr.count(b"\n") == 1


def test_help_names_every_option(probe: Path) -> None:
    text = run([sys.executable, str(probe), "--help"]).stdout.decode()
    for option in ("--level", "--sudo", "--sudo-password-stdin", "--root", "--stream"):
        assert option in text


def test_the_user_of_an_image_without_proc(probe: Path, tmp_path: Path) -> None:
    capture = decode(run([sys.executable, str(probe), "--root", str(tmp_path)]).stdout)
    assert capture.probe.uid == os.geteuid()
    assert capture.probe.user == ""


def test_the_installed_probe_runs() -> None:
    if not PROBE.exists():
        pytest.skip(f"{PROBE} was not built")
    assert run([sys.executable, str(PROBE), "--help"]).returncode == 0
