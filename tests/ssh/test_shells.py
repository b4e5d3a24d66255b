"""What stands between a login and a command: shells, their rc files, banners, forced commands."""

import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest

from preflight.errors import ProbeFailed, TimedOut
from preflight.transport import request, ssh
from preflight.transport.ssh_config import Route
from tests.ssh.conftest import Person, Sshd
from tests.ssh.look import lets_in, refuses
from tests.transport.fake_probe import WAITS, fake_probe

Server = Callable[..., Sshd]
SHELLS = ("bash", "dash", "tcsh", "fish", "zsh", "ksh", "busybox sh")


def as_shell(words: str) -> str:
    """Let the command go through another login shell, as sshd would hand it over."""
    program, *arguments = words.split()
    found = shutil.which(program)
    if not found:
        pytest.skip(f"NO {program} here")
    return f'ForceCommand {" ".join([found, *arguments])} -c "$SSH_ORIGINAL_COMMAND"'


@pytest.mark.parametrize("shell", SHELLS)
def test_every_login_shell_runs_the_probe(server: Server, person: Person, shell: str) -> None:
    sshd = server().start(as_shell(shell))
    person.knows(sshd)
    lets_in(sshd.target)


@pytest.mark.parametrize("shell", SHELLS)
def test_without_python_each_shell_is_understood(
    server: Server, person: Person, shell: str, tmp_path: Path
) -> None:
    sshd = server().start(as_shell(shell), path=str(tmp_path))
    person.knows(sshd)
    text = refuses(sshd.target, ProbeFailed)
    assert "no python3 on the PATH" in text
    assert "\n" not in text


@pytest.mark.parametrize("shell", SHELLS)
def test_a_python_that_may_not_run(
    server: Server, person: Person, shell: str, tmp_path: Path
) -> None:
    (tmp_path / "python3").write_text("#!/bin/sh\n")
    sshd = server().start(as_shell(shell), path=str(tmp_path))
    person.knows(sshd)
    assert "may not be run" in refuses(sshd.target, ProbeFailed)


def test_a_banner_and_a_noisy_rc_file_are_passed_over(server: Server, person: Person) -> None:
    sshd = server()
    banner = sshd.folder / "banner"
    banner.write_text("*** authorised users only ***\n" * 50)
    (sshd.home / ".bashrc").write_text(
        "echo Welcome; printf '\\033[31mno newline here'; echo oops >&2\n"
        "for n in 1 2 3 4 5 6 7 8 9; do printf '%9999d' $n; done\n"
    )
    sshd.start(f"Banner {banner}")
    person.knows(sshd)
    lets_in(sshd.target)


def test_an_rc_file_that_prints_a_capture_is_not_believed(server: Server, person: Person) -> None:
    sshd = server()
    (sshd.home / ".bashrc").write_text(
        "printf '\\n==preflight 0 begin==\\n{\"schema\": 1}\\n==preflight 0 end==\\n'\n"
    )
    sshd.start()
    person.knows(sshd)
    lets_in(sshd.target)


def test_an_rc_file_that_reads_the_input_or_leaves(server: Server, person: Person) -> None:
    sshd = server()
    sshd.start()
    person.knows(sshd)
    (sshd.home / ".bashrc").write_text("exit 7\n")
    assert "ended with 7" in refuses(sshd.target, ProbeFailed)
    (sshd.home / ".bashrc").write_text("read -r line\n")
    assert "no capture came" in refuses(sshd.target, ProbeFailed)


def test_a_forced_command_is_named_as_the_likely_cause(server: Server, person: Person) -> None:
    sshd = server().start("ForceCommand echo this host only tells the time")
    person.knows(sshd)
    text = refuses(sshd.target, ProbeFailed)
    assert text.endswith("ended with 0 and said: this host only tells the time")


def test_a_command_that_has_ended_before_it_is_sent_anything(
    server: Server, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last words come through all the same."""
    sshd = server().start("ForceCommand echo full; exit 5")
    person.knows(sshd)
    execute = ssh._execute

    def execute_and_wait(channel: paramiko.Channel, route: Route) -> None:
        execute(channel, route)
        channel.status_event.wait(60)
        while not channel.closed:
            time.sleep(0.01)

    monkeypatch.setattr(ssh, "_execute", execute_and_wait)
    assert refuses(sshd.target, ProbeFailed).endswith("ended with 5 and said: full")


def test_an_account_without_a_shell(server: Server, person: Person) -> None:
    nologin = shutil.which("nologin", path="/usr/sbin:/sbin:/usr/bin")
    if not nologin:
        pytest.skip("NO nologin here")
    sshd = server().start(f"ForceCommand {nologin}")
    person.knows(sshd)
    assert "refuses commands" in refuses(sshd.target, ProbeFailed)


def test_a_python_that_is_too_old_says_so(server: Server, person: Person) -> None:
    """Every Python from 3.0 on reads the bootstrap; this one only says that it is 3.6."""
    sshd = server()
    sshd.start()
    person.knows(sshd)
    old = sshd.folder / "python" / "python3"
    real = old.resolve()
    old.unlink()
    old.write_text(
        f'#!/bin/sh\nshift 3\nexec {real} -I -S -c "import sys; sys.version_info = (3, 6, 8); '
        "sys.version = '3.6.8 (default)'; $1\"\n"
    )
    old.chmod(old.stat().st_mode | stat.S_IXUSR)
    text = refuses(sshd.target, ProbeFailed)
    assert "needs Python 3.8 or newer, this is 3.6.8" in text


def test_a_probe_that_breaks_is_told_by_its_last_line(sshd: Sshd) -> None:
    broken = fake_probe('raise ValueError("no such thing")\n')
    text = refuses(sshd.target, ProbeFailed, probe=broken)
    assert text.endswith("the probe broke off with 1 and said: ValueError: no such thing")


def test_a_probe_that_is_killed_is_told(sshd: Sshd) -> None:
    killed = fake_probe("os.kill(os.getpid(), signal.SIGKILL)\n")
    assert "with a signal" in refuses(sshd.target, ProbeFailed, probe=killed)


def test_a_probe_that_never_answers_runs_out_of_time(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(request.TIME_LIMIT_S, "look", 5.0)
    assert "the last step was waiting" in refuses(sshd.target, TimedOut, probe=WAITS)


def test_a_call_that_hangs_is_ended_at_the_time_limit(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(request.TIME_LIMIT_S, "look", -5.0)
    assert "the time limit ran out" in refuses(sshd.target, TimedOut, probe=WAITS)


def test_a_capture_that_is_cut_off_is_none(sshd: Sshd) -> None:
    cut = fake_probe('begin(); sys.stdout.write(\'{"schema": "gpu-pre\'); sys.stdout.flush()\n')
    assert "broke off with 0" in refuses(sshd.target, ProbeFailed, probe=cut)
