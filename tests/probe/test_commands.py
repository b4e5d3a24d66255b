"""Commands that behave well and badly: each costs its own limits, and no other source anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.probe.machine import alive, collect, file, one, tool, wait_for

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
NOBODY_ELSE = 64321  # a user's processes are counted over the whole machine


def test_output_and_exit_code_are_kept(tmp_path: Path) -> None:
    tool(tmp_path, "nvidia-smi", "echo told $1 $LC_ALL; echo warned >&2")
    entry = one(tmp_path, {"name": "smi", "argv": ["nvidia-smi", "-q"]})
    assert entry["status"] == "ok"
    assert entry["argv"] == ["nvidia-smi", "-q"]
    assert (entry["stdout"], entry["stderr"]) == ("told -q C\n", "warned\n")
    assert entry["exit_code"] == 0


def test_a_failing_tool_keeps_its_output(tmp_path: Path) -> None:
    tool(tmp_path, "nvidia-smi", "echo GPU is lost; exit 15")
    entry = one(tmp_path, {"name": "smi", "argv": ["nvidia-smi"]})
    assert (entry["status"], entry["exit_code"]) == ("tool-failed", 15)
    assert (entry["stdout"], entry["detail"]) == ("GPU is lost\n", "GPU is lost")


def test_a_tool_killed_by_a_signal_has_failed(tmp_path: Path) -> None:
    tool(tmp_path, "nvidia-smi", "kill -SEGV $$")
    entry = one(tmp_path, {"name": "smi", "argv": ["nvidia-smi"]})
    assert (entry["status"], entry["exit_code"]) == ("tool-failed", -11)
    assert entry["detail"] == "killed by SIGSEGV"


def test_a_tool_killed_by_a_signal_without_a_name_has_failed(tmp_path: Path) -> None:
    tool(tmp_path, "nvidia-smi", "kill -40 $$")
    entry = one(tmp_path, {"name": "smi", "argv": ["nvidia-smi"]})
    assert (entry["status"], entry["detail"]) == ("tool-failed", "killed by signal 40")


@ROOT
@pytest.mark.parametrize("limits", [{"RLIMIT_NOFILE": 24}, {"RLIMIT_NPROC": 3}])
def test_narrow_limits_make_it_slower_and_no_less(
    open_folder: Path, limits: dict[str, int]
) -> None:
    tool(open_folder, "counts", "echo $1")
    rows = [{"name": f"s{n}", "argv": ["counts", str(n)]} for n in range(12)]
    found = collect(open_folder, *rows, uid=NOBODY_ELSE, limits=limits)["results"]
    assert [found[f"s{n}"].get("stdout") for n in range(12)] == [f"{n}\n" for n in range(12)]


@ROOT
def test_where_no_process_can_be_started_each_source_says_so(open_folder: Path) -> None:
    tool(open_folder, "dmesg", "echo never")
    rows = [{"name": name, "argv": ["dmesg"]} for name in ("one", "two")]
    found = collect(open_folder, *rows, uid=NOBODY_ELSE, limits={"RLIMIT_NPROC": 1})["results"]
    for name in ("one", "two"):
        assert found[name]["status"] == "tool-failed"
        assert found[name]["detail"] == "could not be started: Resource temporarily unavailable"


def test_an_absent_tool(tmp_path: Path) -> None:
    entry = one(tmp_path, {"name": "smi", "argv": ["nvidia-smi"]})
    assert (entry["status"], entry["detail"]) == ("tool-absent", "nvidia-smi: not found")
    assert "exit_code" not in entry


def test_a_tool_that_is_not_executable(tmp_path: Path) -> None:
    tool(tmp_path, "nvidia-smi", "echo never").chmod(0o644)
    assert one(tmp_path, {"name": "smi", "argv": ["nvidia-smi"]})["status"] == "not-permitted"


def test_a_tool_without_its_interpreter_has_failed(tmp_path: Path) -> None:
    tool(tmp_path, "nvidia-smi", "").write_text("#!/nowhere/at/all\n")
    entry = one(tmp_path, {"name": "smi", "argv": ["nvidia-smi"]})
    assert (entry["status"], entry["detail"]) == (
        "tool-failed",
        "nvidia-smi: No such file or directory",
    )


def test_tools_lie_on_the_path_and_where_administrators_have_theirs(tmp_path: Path) -> None:
    tool(tmp_path, "dmidecode", "echo sbin", folder="usr/sbin")
    tool(tmp_path, "nvidia-smi", "echo wsl", folder="usr/lib/wsl/lib")
    tool(tmp_path, "lspci", "echo own", folder="opt/own")
    tool(tmp_path, "lspci", "echo system")
    sources = [{"name": name, "argv": [name]} for name in ("dmidecode", "nvidia-smi", "lspci")]
    found = collect(tmp_path, *sources, env={"PATH": ".:/opt/own:/usr/bin"})["results"]
    assert [found[row["name"]]["stdout"] for row in sources] == ["sbin\n", "wsl\n", "own\n"]


def test_a_hanging_tool_costs_its_own_limit_and_keeps_what_it_gave(tmp_path: Path) -> None:
    tool(tmp_path, "hangs", f"echo begun; sleep 1000 & echo $! > {tmp_path}/pid; wait")
    tool(tmp_path, "works", "echo done")
    found = collect(
        tmp_path,
        {"name": "hangs", "argv": ["hangs"], "timeout_s": 1.0},
        {"name": "works", "argv": ["works"]},
    )
    assert found["results"]["works"]["status"] == "ok"
    entry = found["results"]["hangs"]
    assert (entry["status"], entry["detail"]) == ("timed-out", "no end within 1 s")
    assert entry["stdout"] == "begun\n"
    assert not found["gave_up"]
    assert [event["name"] for event in found["events"][1:]] == ["works", "hangs"]
    grandchild = int((tmp_path / "pid").read_text())
    wait_for(lambda: not alive(grandchild), "the end of what the tool had started")


def test_a_flood_is_cut_at_the_limit(tmp_path: Path) -> None:
    tool(tmp_path, "floods", "exec yes")
    source = {"name": "floods", "argv": ["floods"], "timeout_s": 30.0, "max_bytes": 100_000}
    entry = one(tmp_path, source)
    assert entry["truncated"] is True
    assert len(entry["stdout"]) == 100_000
    assert entry["duration_s"] < 30


def test_a_long_output_below_the_limit_is_whole(tmp_path: Path) -> None:
    tool(tmp_path, "long", "seq 1 200000")
    entry = one(tmp_path, {"name": "long", "argv": ["long"], "max_bytes": 4 << 20})
    assert entry["stdout"].split() == [str(number) for number in range(1, 200001)]
    assert "truncated" not in entry


def test_a_grandchild_that_keeps_the_pipe_is_not_waited_for(tmp_path: Path) -> None:
    tool(tmp_path, "leaves", f"sleep 1000 & echo $! > {tmp_path}/pid; echo done")
    entry = one(tmp_path, {"name": "leaves", "argv": ["leaves"], "timeout_s": 50.0})
    assert (entry["status"], entry["stdout"]) == ("ok", "done\n")
    grandchild = int((tmp_path / "pid").read_text())
    wait_for(lambda: not alive(grandchild), "the end of what the tool had left")


def test_a_tool_that_closes_its_streams_is_waited_for(tmp_path: Path) -> None:
    tool(tmp_path, "quiet", "exec >&- 2>&-; sleep 0.3; exit 3")
    assert one(tmp_path, {"name": "quiet", "argv": ["quiet"]})["exit_code"] == 3


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    tool(tmp_path, "binary", r"printf 'a\377\000b'")
    assert one(tmp_path, {"name": "binary", "argv": ["binary"]})["stdout"] == "a\ufffd\0b"


def test_a_tool_gets_no_input_and_an_ordinary_pipe(tmp_path: Path) -> None:
    tool(tmp_path, "reads", "cat; trap - PIPE; (yes; echo $? >&2) | head -1; echo end")
    entry = one(tmp_path, {"name": "reads", "argv": ["reads"]})
    assert entry["stdout"] == "y\nend\n"
    assert "141" in entry["stderr"]  # SIGPIPE, which Python itself ignores, ends a tool


def test_sources_of_one_lane_run_one_after_another(tmp_path: Path) -> None:
    alone = f"mkdir {tmp_path}/busy && sleep 0.2 && rmdir {tmp_path}/busy"
    tool(tmp_path, "ipmitool", alone)
    rows = [
        {"name": name, "argv": ["ipmitool", name], "lane": "ipmi"}
        for name in ("sdr", "sel", "dcmi")
    ]
    found = collect(tmp_path, *rows)["results"]
    assert [entry["status"] for entry in found.values()] == ["ok"] * 3


def test_sources_run_side_by_side(tmp_path: Path) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        wait = f"while [ ! -e {tmp_path}/{other}.here ]; do sleep 0.01; done"
        tool(tmp_path, name, f"touch {tmp_path}/{name}.here; {wait}")
    found = collect(tmp_path, {"name": "one", "argv": ["one"]}, {"name": "two", "argv": ["two"]})
    assert [entry["status"] for entry in found["results"].values()] == ["ok", "ok"]


@pytest.mark.parametrize("device", ["", "/dev/ipmi0", "/dev/ipmidev/0"])
def test_a_device_must_be_there(tmp_path: Path, device: str) -> None:
    tool(tmp_path, "ipmitool", "echo sensors")
    if device:
        file(tmp_path, device)
    devices = ["/dev/ipmi0", "/dev/ipmi/0", "/dev/ipmidev/0"]
    entry = one(tmp_path, {"name": "sdr", "argv": ["ipmitool"], "devices": devices})
    assert entry["status"] == ("ok" if device else "not-present")


def test_the_deadline_ends_everything(tmp_path: Path) -> None:
    tool(tmp_path, "hangs", "echo begun; exec sleep 1000")
    rows = [
        {"name": name, "argv": ["hangs"], "timeout_s": 50.0, "lane": "x"} for name in ("a", "b")
    ]
    found = collect(tmp_path, *rows, deadline_s=1.0)
    assert found["gave_up"]
    assert found["results"]["a"]["detail"] == "running at the deadline of the run"
    assert found["results"]["a"]["stdout"] == "begun\n"
    assert found["results"]["b"]["detail"] == "not started before the deadline of the run"


def test_more_sources_than_may_run_at_once(tmp_path: Path) -> None:
    tool(tmp_path, "counts", "echo $1")
    rows = [{"name": f"s{n}", "argv": ["counts", str(n)]} for n in range(40)]
    found = collect(tmp_path, *rows)
    assert {n: found["results"][f"s{n}"]["stdout"] for n in range(40)} == {
        n: f"{n}\n" for n in range(40)
    }
    assert [event["done"] for event in found["events"][1:]] == list(range(1, 41))
