"""lspci's tree: columns alone tell what hangs on what."""

from __future__ import annotations

import pytest

from preflight.errors import NotThisKind
from preflight.parsers.lspci_tree import parse

NAMED = r"""
-+-[0000:40]-+-01.1-[41]--+-00.0  NVIDIA Corporation AD102 [GeForce RTX 4090] [10de:2684]
 |           |            \-00.1  NVIDIA Corporation Device [10de:22ba]
 |           \-02.0  Advanced Micro Devices, Inc. [AMD] Host [1022:1482]
 \-[0000:00]-+-00.0
             +-01.0-[01-04]----00.0-[02-04]--+-04.0-[03]----00.0
             |                               \-08.0-[04]----00.0  3Dlabs [01-02] 09.0
             \-1f.0
"""


def test_each_device_has_the_ports_above_it_nearest_first() -> None:
    found = parse(NAMED)
    assert found["0000:41:00.0"] == found["0000:41:00.1"] == ("0000:40:01.1",)
    switch = ("0000:01:00.0", "0000:00:01.0")
    assert found["0000:03:00.0"] == ("0000:02:04.0", *switch)
    assert found["0000:04:00.0"] == ("0000:02:08.0", *switch)
    assert found["0000:02:08.0"] == switch
    assert found["0000:40:02.0"] == found["0000:00:1f.0"] == ()
    assert len(found) == 12


def test_a_host_of_one_root_and_one_of_another_domain() -> None:
    assert parse("-[0000:00]---1c.0-[01]----00.0\n")["0000:01:00.0"] == ("0000:00:1c.0",)
    assert parse("-[00]-+-00.0\n      \\-1c.0-[01]----00.0\n")["0000:01:00.0"] == ("0000:00:1c.0",)
    other = parse("-+-[10000:e0]---06.0-[e1]----00.0\n \\-[0000:00]---00.0\n")
    assert other["10000:e1:00.0"] == ("10000:e0:06.0",)


@pytest.mark.parametrize("text", ["", "\0", "01:00.0 VGA compatible controller: NVIDIA", "[00]"])
def test_what_is_no_tree_is_refused(text: str) -> None:
    with pytest.raises(NotThisKind):
        parse(text)


def test_a_hostile_tree_takes_no_time() -> None:
    deep = "-[0000:00]-" + "+-01.0-[01]-" * 1000
    assert len(parse(f"{deep}\n" * 10_000)) <= 2
