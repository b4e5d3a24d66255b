"""Ways out and listening ports, as the kernel's tables and ss tell of them."""

from __future__ import annotations

import time

import pytest

from preflight.facts import Missing, VllmPin
from preflight.purpose import Purpose
from preflight.understand import understand
from preflight.understand.asked import asked
from tests.understand.build import Builder, command, files

ROUTE = "eno1\t00000000\t0102000A\t0003\t0\t0\t100\t00000000\t0\t0\t0"
ROUTE6 = f"{'0' * 32} 00 {'0' * 32} 00 fe80000000000000000000000000000a 00000400 00000001 0 3 eno1"
LO6 = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200       lo"
SS = """LISTEN 0      128    0.0.0.0:22 0.0.0.0:* cgroup:/system.slice/ssh.service
LISTEN 0      2048   127.0.0.1:8001 0.0.0.0:* cgroup:/system.slice/system-vllm.slice/vllm@a.service
LISTEN 0      4096   [::]:9100 [::]:* cgroup:unreachable:2f1
"""
TCP = "   0: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 6"
TCP6 = f"   0: {'0' * 32}:0016 {'0' * 32}:0000 0A 00000000:00000000 00:00000000 00000000     0"
GROUPS = {
    22: "/system.slice/ssh.service",
    8001: "/system.slice/system-vllm.slice/vllm@a.service",
    9100: "",
}


@pytest.mark.parametrize(
    "told, routes",
    [
        ({"/proc/net/route": ""}, ()),
        ({"/proc/net/route": ROUTE}, ("eno1 by 10.0.2.1",)),
        (
            {"/proc/net/route": ROUTE, "/proc/net/ipv6_route": f"{LO6}\n{ROUTE6}"},
            ("eno1 by 10.0.2.1", "eno1 by IPv6"),
        ),
    ],
)
def test_default_routes(told: dict[str, str], routes: tuple[str, ...]) -> None:
    capture = Builder({"proc": files(told)}).capture()
    assert understand(capture).host.default_routes == routes


def test_routes_that_were_not_read() -> None:
    capture = Builder({"proc": files({"/proc/version": ""})}).capture()
    assert isinstance(understand(capture).host.default_routes, Missing)


def test_ports_by_ss_with_whose_they_are() -> None:
    capture = Builder({"listening": command(SS)}).capture()
    assert understand(capture).host.listening == GROUPS


def test_ports_by_the_kernel_where_ss_is_too_old() -> None:
    tables = files({"/proc/net/tcp": TCP, "/proc/net/tcp6": TCP6})
    old = command(stderr="ss: unrecognized option '--cgroup'", exit_code=255)
    capture = Builder({"proc": tables, "listening": old}).capture()
    assert understand(capture).host.listening == {8001: "", 22: ""}


def test_no_table_is_unknown() -> None:
    capture = Builder({"proc": files({"/proc/version": ""})}).capture()
    assert isinstance(understand(capture).host.listening, Missing)


def test_what_the_own_units_serve_is_left_out() -> None:
    facts = understand(Builder({"listening": command(SS)}).capture())
    left = asked(facts, Purpose(own_units=("vllm@.service",)), VllmPin("0.22.1", "580.65.06"))
    assert left.host.listening == {22: GROUPS[22], 9100: ""}


@pytest.mark.parametrize("line", ["LISTEN " * 100_000, "0" * 500_000, " " * 500_000])
def test_hostile_lines_take_no_time(line: str) -> None:
    begun = time.monotonic()
    told = files({"/proc/net/route": line, "/proc/net/ipv6_route": line, "/proc/net/tcp": line})
    understand(Builder({"proc": told, "listening": command(line)}).capture())
    assert time.monotonic() - begun < 10
