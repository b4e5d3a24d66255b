"""What both ends of a cable can, by ethtool's text."""

from __future__ import annotations

import time

import pytest

from preflight.understand import understand
from preflight.understand.ethtool import able_mbit_s
from tests.understand.build import Builder, command, files

TEXT = """Settings for eno1:
\tSupported ports: [ TP ]
\tSupported link modes:   100baseT/Full
\t                        1000baseT/Full
\t                        10000baseT/Full
\tAdvertised link modes:  100baseT/Half 100baseT/Full
\t                        1000baseT/Full
\t                        10000baseT/Full
\tLink partner advertised link modes:  100baseT/Full
\t                                     1000baseT/Full
\t                                     {partner}
\tLink partner advertised pause frame use: No
\tSpeed: 1000Mb/s
"""
CARD = "/sys/devices/pci0000:00/0000:00:03.0/net/eno1"


@pytest.mark.parametrize(
    "text, able",
    [
        (TEXT.format(partner=""), 1000),
        (TEXT.format(partner="10000baseT/Full"), 10000),
        (TEXT.format(partner="25000baseCR/Full"), 1000),
        (TEXT.format(partner="10000baseT/Half"), 1000),
        ("Settings for eth0:\n\tLink detected: yes\n", None),
        (
            "Supported link modes: 1000baseT/Full\nLink partner advertised link modes: None",
            None,
        ),
        ("", None),
    ],
)
def test_the_fastest_that_both_offer(text: str, able: int | None) -> None:
    assert able_mbit_s(text) == able


def test_it_stands_beside_the_speed() -> None:
    net = files({f"{CARD}/operstate": "up", f"{CARD}/speed": "100"})
    capture = Builder({"net": net, "ethtool-eno1": command(TEXT.format(partner=""))}).capture()
    nics = understand(capture).host.nics
    assert isinstance(nics, tuple)
    assert (nics[0].speed_mbit_s, nics[0].speed_able_mbit_s) == (100, 1000)


def test_hostile_text_takes_no_time() -> None:
    begun = time.monotonic()
    for text in ("A" * 5_000_000, "1" * 5_000_000, "A:\n" * 2_000_000):
        able_mbit_s(text)
    assert time.monotonic() - begun < 5
