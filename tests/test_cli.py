"""The command line as its user and other programs meet it: a real process each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.cli import COMMANDS_TO_COME, cli
from tests.render.schema_check import assert_valid_report

HOSTS = Path(__file__).parent / "hosts"
GOOD, LOST = HOSTS / "rtx4090x2" / "capture.json", HOSTS / "lost-card" / "capture.json"
BARE = HOSTS / "no-driver" / "capture.json"


def preflight(*argv: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "preflight", *map(str, argv)],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("capture, status", [(GOOD, 0), (LOST, 1), (BARE, 3)])
def test_the_exit_status_is_the_verdict(capture: Path, status: int) -> None:
    done = preflight("check", "--capture", capture)
    assert done.returncode == status
    assert done.stdout
    assert not done.stderr


def test_warnings_accept_unless_strict() -> None:
    assert preflight("check", "--capture", GOOD, "--strict").returncode == 1
    assert preflight("check", "--capture", BARE, "--strict").returncode == 3


def test_json_goes_to_stdout_and_the_report_then_to_stderr() -> None:
    done = preflight("check", "--capture", LOST, "--json", "-")
    report = json.loads(done.stdout)
    assert_valid_report(report)
    assert report["verdict"] == "reject"
    assert "reject" in done.stderr


def test_judging_saved_evidence_again_gives_the_same_report(tmp_path: Path) -> None:
    first, copy, second = tmp_path / "1.json", tmp_path / "copy.json", tmp_path / "2.json"
    preflight("check", "--capture", GOOD, "--json", first, "--save-capture", copy)
    preflight("check", "--capture", copy, "--json", second)
    assert copy.read_bytes() == GOOD.read_bytes()
    assert first.read_bytes() == second.read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_a_policy_of_ones_own_decides(tmp_path: Path) -> None:
    policy = tmp_path / "mine.yaml"
    policy.write_text("extends: default\nlimits:\n  topology-pair:\n    far: [SYS]\n")
    done = preflight("check", "--capture", GOOD, "--policy", policy, "--json", "-")
    statuses = {f["id"]: f["status"] for f in json.loads(done.stdout)["findings"]}
    assert statuses["topology-pair"] == "unknown"  # neither near nor far by this policy


@pytest.mark.parametrize(
    "argv, words",
    [
        (["check"], "give one or more hosts, or --capture"),
        (["check", "gpu01", "--capture", str(GOOD)], "leave the hosts out"),
        (["check", "--capture", str(GOOD), "--level", "soak"], "--level soak is not there yet"),
        (["check", "--capture", "nowhere.json"], "nowhere.json: No such file"),
        (["check", "--capture", str(HOSTS / "lost-card" / "report.txt")], "not a capture"),
        (["gpu01", "--level", "soak"], "--level soak is not there yet"),
        (["gpu01", "--level", "look", "--within", "10m"], "go with --level measure"),
        (["gpu01", "--level", "look", "--disk-write"], "go with --level measure"),
        (["gpu01", "--level", "measure", "--within", "soon"], "such as 90s, 10m or 1h"),
        (["gpu01", "--level", "measure", "--within", "0"], "not a length of time"),
        (["gpu01", "--level", "measure", "--within", "24h"], "not a length of time"),
        (["gpu01", "--level", "hot"], "hot"),
        (["gpu01", "--policy", "prodution"], "production"),
        (["gpu01", "--json", "-", "--save-capture", "-"], "both want standard output"),
        (["gpu01", "gpu02", "--save-capture", "-"], "holds one host"),
        (["gpu01", "--json", "/nowhere/report.json"], "/nowhere does not exist"),
        (["gpu01", "--frobnicate"], "--frobnicate"),
        (["-K", "gpu01"], "no terminal"),
        (["gpu 01"], "gpu 01"),
        (["demo", "no-such-machine"], "no-such-machine"),
        (["explain", "pcie-link-widht"], "pcie-link-width"),
        (["parse", "topo", str(HOSTS / "lost-card" / "report.txt")], "topo -m"),
        (["parse", "tpoo", "-"], "topo"),
        (["parse", "topo", "nowhere.txt"], "nowhere.txt"),
    ],
)
def test_bad_input_gets_one_clear_line(argv: list[str], words: str) -> None:
    done = preflight(*argv)
    assert done.returncode == 2
    assert not done.stdout
    first, *hint = done.stderr.splitlines()
    assert first.startswith("preflight: ")
    assert words in done.stderr
    assert len(hint) <= 1


@pytest.mark.parametrize("name", COMMANDS_TO_COME)
def test_a_command_to_come_says_so(name: str) -> None:
    done = preflight(name, "gpu01", "--layout", "tp2")
    assert done.returncode == 2
    assert f"{name} (" in done.stderr
    assert "not there yet" in done.stderr


def test_a_host_that_cannot_be_reached_is_unknown_and_named() -> None:
    done = preflight("root@127.0.0.1:1", "--json", "-")
    assert done.returncode == 3
    assert "root@127.0.0.1:1" in done.stderr
    report = json.loads(done.stdout)
    assert_valid_report(report)
    assert (report["verdict"], report["findings"]) == ("unknown", [])


def test_several_hosts_are_one_array_and_the_highest_status(tmp_path: Path) -> None:
    done = preflight("127.0.0.1:1", "[::1]:1", "--json", "-", "--save-capture", tmp_path / "new")
    reports = json.loads(done.stdout)
    assert [report["host"] for report in reports] == ["127.0.0.1:1", "[::1]:1"]
    assert done.returncode == 3


def test_the_demo_is_accepted_and_says_that_it_is_simulated() -> None:
    done = preflight("demo", "--json", "-")
    report = json.loads(done.stdout)
    assert_valid_report(report)
    assert (done.returncode, report["verdict"], report["simulated"]) == (0, "accept", True)
    assert "simulated host rtx4090x2: accept: nothing against it" in done.stderr


def test_every_command_has_help_with_an_example_where_it_takes_more_than_a_name() -> None:
    for name in ("check", "demo", "probe"):
        assert "Example" in preflight(name, "--help").stdout
    overview = preflight("--help").stdout
    visible = [name for name, command in cli.commands.items() if not command.hidden]
    assert all(f"  {name}" in overview for name in visible)
    assert "Exit status" in overview
    bare = preflight()
    assert (bare.returncode, bare.stdout) == (2, "")
    assert "Examples:" in bare.stderr


def test_the_probe_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "probe.pyz"
    assert preflight("probe", "-o", path).returncode == 0
    to_stdout = subprocess.run(
        [sys.executable, "-m", "preflight", "probe", "-o", "-"], capture_output=True, check=True
    )
    assert path.read_bytes() == to_stdout.stdout
    assert path.read_bytes()[:2] == b"PK"


def test_parse_prints_json(tmp_path: Path) -> None:
    recording = tmp_path / "p2p.txt"
    recording.write_text(" \tGPU0\tGPU1\t\n GPU0\tX\tCNS\t\n GPU1\tCNS\tX\t\n")
    done = preflight("parse", "p2p", recording)
    assert json.loads(done.stdout)["pairs"] == [["GPU0", "GPU1", "CNS"], ["GPU1", "GPU0", "CNS"]]


def test_explain_lists_and_tells() -> None:
    assert "pcie-link-width  " in preflight("explain").stdout
    told = preflight("explain", "pcie-link-width").stdout
    assert "Half the lanes" in told
    assert "Reseat" in told


def test_completion_knows_the_commands() -> None:
    environment = {
        "_PREFLIGHT_COMPLETE": "bash_complete",
        "COMP_WORDS": "preflight ex",
        "COMP_CWORD": "1",
    }
    code = "from preflight.cli import cli; cli(prog_name='preflight')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "explain" in done.stdout


def test_a_reader_who_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m preflight check --capture {LOST} -v | head -1; true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert "reject" in done.stdout
    assert not done.stderr


@pytest.mark.parametrize("output", [(), ("--json", "-")])
@pytest.mark.parametrize("capture, status", [(GOOD, 0), (LOST, 1), (BARE, 3)])
def test_a_verdict_stands_though_nobody_reads_it(
    capture: Path, status: int, output: tuple[str, ...]
) -> None:
    """`preflight … | head` under pipefail must not make another verdict of it."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "preflight", "check", "--capture", str(capture), *output],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert done.returncode == status
    assert not done.stderr


def test_no_color_and_pipes_get_plain_text() -> None:
    done = preflight("check", "--capture", LOST, FORCE_COLOR="", PYTHONIOENCODING="ascii")
    assert "\x1b" not in done.stdout
    assert done.stdout.isascii()


def test_a_defect_is_one_line_and_a_file(tmp_path: Path) -> None:
    broken = "import preflight.acceptance as a; a.judge_saved = None; "
    code = broken + "import preflight.cli as c; c.main(['check', '--capture', 'x'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 70
    (file,) = tmp_path.glob("preflight-defect-*.txt")
    assert str(file) in done.stderr
    assert "Traceback" in file.read_text()
    assert "Traceback" not in done.stderr
