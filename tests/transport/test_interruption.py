"""Ctrl-C while something is done that must not be cut in two."""

from __future__ import annotations

import os
import signal

import pytest

from preflight.transport.side_by_side import uninterrupted


def test_an_interrupt_waits_for_the_end_and_is_then_obeyed() -> None:
    done: list[str] = []

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        done.append("after the interrupt")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        uninterrupted(work)
    assert done == ["after the interrupt"]
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_passes_and_the_old_handler_is_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError):
        uninterrupted(lambda: print(1 // 0))
    assert signal.getsignal(signal.SIGINT) is before
