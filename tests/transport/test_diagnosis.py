import pytest

from preflight.errors import ProbeFailed, Unreachable
from preflight.transport.diagnosis import Ending, diagnose

# What each shell really printed for the transport's command.
NOT_FOUND = {
    "bash": "/usr/bin/bash: line 1: exec: python3: not found",
    "dash": "/usr/bin/dash: 1: exec: python3: not found",
    "busybox": "sh: exec: line 0: python3: not found",
    "ksh": "ksh: exec: python3: not found",
    "zsh": "zsh:1: command not found: python3",
    "tcsh": "python3: Command not found.",
    "fish": 'fish: Unknown command: python3\nexec python3 -I -S -c "import sys"\n     ^~~~~~^',
}
NOT_EXECUTABLE = {
    "bash": "bash: line 1: exec: /opt/python3: cannot execute: Permission denied",
    "dash": "/usr/bin/dash: 1: exec: python3: Permission denied",
    "ksh": "ksh: exec: python3: cannot execute [Permission denied]",
    "zsh": "zsh:1: permission denied: python3",
    "tcsh": "/opt/python3: Permission denied.",
    "fish": "fish: Unknown command. '/opt/python3' exists but is not an executable file.\n  ^~~^",
}


def told(status: int | None, errors: str = "", output: str = "", started: bool = False) -> str:
    error = diagnose("gpu01", Ending(status, output, errors, "", started))
    assert str(error).startswith("gpu01: ")
    assert "\n" not in str(error)
    assert error.hint
    return str(error)


@pytest.mark.parametrize("shell", NOT_FOUND)
def test_python_is_missing(shell: str) -> None:
    line = NOT_FOUND[shell].splitlines()[0]
    assert told(127, f"some noise\n{NOT_FOUND[shell]}") == (
        f"gpu01: no python3 on the PATH of a command run over SSH: {line}"
    )


@pytest.mark.parametrize("shell", NOT_EXECUTABLE)
def test_python_may_not_run(shell: str) -> None:
    assert "python3 may not be run there" in told(126, NOT_EXECUTABLE[shell])


def test_shells_that_run_nothing() -> None:
    assert "shell is restricted" in told(1, "bash: line 1: exec: restricted")
    assert "refuses commands" in told(1, "", "This account is currently not available.\n")


def test_another_program_answered() -> None:
    text = told(0, output="Welcome\nto the jump host\n")
    assert (
        text == "gpu01: no capture came; the host's command ended with 0 and said: to the jump host"
    )
    assert told(3).endswith("ended with 3 and said: nothing")
    assert "forced command" in diagnose("gpu01", Ending(0, "hi", "", "", False)).hint


def test_the_probe_broke_off_whatever_else_was_printed() -> None:
    text = told(1, "python3: not found\nValueError: x", started=True)
    assert text == "gpu01: the probe broke off with 1 and said: ValueError: x"
    assert "with a signal" in told(-1, started=True)


def test_the_probes_own_refusal_counts_most() -> None:
    ending = Ending(2, "", "python3: not found", "the probe needs Python 3.8 or newer", False)
    assert str(diagnose("gpu01", ending)) == "gpu01: the probe needs Python 3.8 or newer"


def test_a_lost_connection_is_no_fault_of_the_probe() -> None:
    assert type(diagnose("gpu01", Ending(None, "", "", "", True))) is Unreachable
    assert type(diagnose("gpu01", Ending(0, "", "", "", True))) is ProbeFailed


def test_a_hosts_words_are_shown_bounded_and_without_escapes() -> None:
    text = told(1, "\x1b]0;title\x07" + "y" * 9999)
    assert "\x1b" not in text
    assert len(text) < 400
