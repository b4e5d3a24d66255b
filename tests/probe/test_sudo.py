"""Privileged sources: as root, through sudo where it allows, else plainly.

sudo is a script of the tree here; what it says is what the real one says.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.probe.machine import NOBODY, alive, collect, file, tool, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

DMESG = {"name": "dmesg", "argv": ["dmesg"], "privileged": True}
LSPCI = {"name": "lspci", "argv": ["lspci", "-vvv"], "privileged": True}
PLAIN = {"name": "lscpu", "argv": ["lscpu"]}


@pytest.fixture
def machine(open_folder: Path) -> Path:
    """Tools that tell whether sudo ran them, and a sudo that keeps its arguments in /log."""
    for name in ("dmesg", "lspci", "lscpu"):
        tool(open_folder, name, f"echo ${{VIA:-plain}} {name} $*")
    file(open_folder, "log").chmod(0o666)
    return open_folder


def sudo_that(machine: Path, body: str) -> Path:
    return tool(machine, "sudo", f'echo "$*" >> {machine}/log\n{body}')


ALLOWS = 'while [ "$1" != -- ]; do shift; done; shift; VIA=sudo exec "$@"'


def run(machine: Path, *sources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return collect(machine, *sources, uid=NOBODY, sudo=True, **more)


def test_only_privileged_sources_go_through_sudo(machine: Path) -> None:
    sudo_that(machine, ALLOWS)
    found = run(machine, DMESG, LSPCI, PLAIN)
    results = found["results"]
    assert results["lspci"]["stdout"] == "sudo lspci -vvv\n"
    assert results["lspci"]["argv"] == ["lspci", "-vvv"]
    assert results["lspci"]["privileged"] is True
    assert results["lscpu"]["stdout"] == "plain lscpu\n"
    assert "privileged" not in results["lscpu"]
    assert found["sudo"] is True
    assert (machine / "log").read_text() == (
        f"-n -- {machine}/usr/bin/dmesg\n-n -- {machine}/usr/bin/lspci -vvv\n"
    )


def test_without_leave_nothing_goes_through_sudo(machine: Path) -> None:
    sudo_that(machine, ALLOWS)
    found = collect(machine, DMESG, uid=NOBODY)
    assert found["results"]["dmesg"]["stdout"] == "plain dmesg\n"
    assert found["results"]["dmesg"]["privileged"] is False
    assert (machine / "log").read_text() == ""


def test_root_needs_no_sudo(machine: Path) -> None:
    sudo_that(machine, ALLOWS)
    entry = collect(machine, DMESG, sudo=True)["results"]["dmesg"]
    assert (entry["stdout"], entry["privileged"]) == ("plain dmesg\n", True)


def test_a_refusal_falls_back_to_the_plain_tool(machine: Path) -> None:
    sudo_that(machine, "echo 'sudo: a password is required' >&2; exit 1")
    found = run(machine, DMESG, LSPCI)
    assert found["results"]["dmesg"]["stdout"] == "plain dmesg\n"
    assert found["results"]["dmesg"]["status"] == "ok"
    assert found["results"]["dmesg"]["privileged"] is False
    assert found["sudo"] is False
    # each may be allowed by a rule of its own, so each is tried once
    assert len((machine / "log").read_text().splitlines()) == 2


def test_who_is_no_sudoer_is_reported_once(machine: Path) -> None:
    sudo_that(machine, "echo 'sudo: nobody is not in the sudoers file.' >&2; exit 1")
    found = run(machine, DMESG, LSPCI)
    assert found["results"]["lspci"]["stdout"] == "plain lspci -vvv\n"
    assert len((machine / "log").read_text().splitlines()) == 1


def test_a_tool_that_fails_under_sudo_is_not_run_again(machine: Path) -> None:
    sudo_that(machine, ALLOWS)
    tool(machine, "dmesg", "echo no such device >&2; exit 1")
    found = run(machine, DMESG)
    assert found["results"]["dmesg"]["status"] == "tool-failed"
    assert found["results"]["dmesg"]["privileged"] is True
    assert len((machine / "log").read_text().splitlines()) == 1


@pytest.mark.parametrize("what", ["usr/bin/dmesg", "usr/bin", "usr/bin/sudo"])
def test_what_others_can_change_is_never_run_through_sudo(machine: Path, what: str) -> None:
    sudo_that(machine, ALLOWS)
    (machine / what).chmod(0o777)
    found = run(machine, DMESG)
    assert found["results"]["dmesg"]["stdout"] == "plain dmesg\n"
    assert (machine / "log").read_text() == ""


def test_what_another_user_owns_is_never_run_through_sudo(machine: Path) -> None:
    sudo_that(machine, ALLOWS)
    os.chown(machine / "usr/bin/dmesg", NOBODY, NOBODY)
    found = run(machine, DMESG, LSPCI)
    assert found["results"]["dmesg"]["stdout"] == "plain dmesg\n"
    assert found["results"]["lspci"]["stdout"] == "sudo lspci -vvv\n"


def test_a_link_to_what_others_can_change_is_never_run_through_sudo(machine: Path) -> None:
    sudo_that(machine, ALLOWS)
    (machine / "open").mkdir()
    (machine / "open").chmod(0o777)
    os.rename(machine / "usr/bin/dmesg", machine / "open/dmesg")
    (machine / "usr/bin/dmesg").symlink_to("/open/dmesg")
    found = run(machine, DMESG)
    assert (machine / "log").read_text() == ""
    assert found["results"]["dmesg"]["stdout"] == "plain dmesg\n"


def test_no_sudo_on_the_host(machine: Path) -> None:
    found = run(machine, DMESG, LSPCI)
    assert found["results"]["dmesg"]["stdout"] == "plain dmesg\n"
    assert found["results"]["lspci"]["stdout"] == "plain lspci -vvv\n"


def test_a_password_goes_to_sudo_alone(machine: Path) -> None:
    sudo_that(machine, f'read -r word; [ "$word" = "open sesame" ] || exit 9; {ALLOWS}')
    tool(machine, "dmesg", 'echo "$(cat)|$VIA|$*"')
    found = run(machine, DMESG, LSPCI, password="open sesame\n")
    assert found["results"]["dmesg"]["stdout"] == "|sudo|\n"
    assert found["results"]["lspci"]["stdout"] == "sudo lspci -vvv\n"
    assert "sesame" not in (machine / "log").read_text()
    assert "sesame" not in str(found)
    assert (machine / "log").read_text().startswith("-k -S -p  -- ")


def test_a_wrong_password_is_offered_once(machine: Path) -> None:
    wrong = "echo 'Sorry, try again.' >&2; echo 'sudo: 1 incorrect password attempt' >&2; exit 1"
    sudo_that(machine, f"read -r word; {wrong}")
    found = run(machine, DMESG, LSPCI, password="wrong\n")
    assert found["results"]["dmesg"]["stdout"] == "plain dmesg\n"
    assert found["results"]["lspci"]["stdout"] == "plain lspci -vvv\n"
    assert len((machine / "log").read_text().splitlines()) == 1


def test_an_absent_tool_is_absent_with_sudo_too(machine: Path) -> None:
    sudo_that(machine, ALLOWS)
    (machine / "usr/bin/dmesg").unlink()
    assert run(machine, DMESG)["results"]["dmesg"]["status"] == "tool-absent"


def test_a_hanging_tool_is_ended_through_sudo(machine: Path) -> None:
    """Only root may end what root runs; with a script for sudo both are ours, and it still asks."""
    sudo_that(machine, ALLOWS)
    tool(machine, "kill", 'echo "killed $*" >> ' + f"{machine}/log")
    tool(machine, "dmesg", f"echo begun; echo $$ > {machine}/pid; exec sleep 1000")
    file(machine, "pid").chmod(0o666)
    found = run(machine, {**DMESG, "timeout_s": 1.0})
    assert found["results"]["dmesg"]["status"] == "timed-out"
    pid = int((machine / "pid").read_text())
    wait_for(lambda: not alive(pid), "the end of the tool")
    wait_for(lambda: f"killed -KILL -- -{pid}" in (machine / "log").read_text(), "sudo kill")
