"""Which PCIe ports belong to a board's chipset: what hangs on them shares one thin uplink.

Source: the PCI ID Repository of 2023, "PCH PCI Express Root Port" and "Chipset … Port" of Intel
(8086) and AMD (1022); AMD 500 and 600 series also by published lspci listings. Where it names only
some ports of a chipset (Intel 400, 500, 600), and for Intel 700, of which one board was seen, the
ends of the range are a guess. A port that is not here is taken for the processor's own.
"""

from __future__ import annotations

# vendor, first and last device id, chipset
_PORTS = (
    ("1022", 0x43B0, 0x43B4, "AMD 300 series"),
    ("1022", 0x43C6, 0x43C7, "AMD 400 series"),
    ("1022", 0x43E9, 0x43EA, "AMD 500 series"),
    ("1022", 0x43F4, 0x43F5, "AMD 600 series"),
    ("1022", 0x57A3, 0x57A4, "AMD X570"),
    ("1022", 0x57AD, 0x57AD, "AMD X570"),
    ("8086", 0x06AC, 0x06C3, "Intel 400 series"),
    ("8086", 0x1C10, 0x1C1E, "Intel 6 series"),
    ("8086", 0x1D10, 0x1D1F, "Intel C600/X79"),
    ("8086", 0x1E10, 0x1E1E, "Intel 7 series"),
    ("8086", 0x43B0, 0x43C7, "Intel 500 series"),
    ("8086", 0x7A30, 0x7A4B, "Intel 700 series"),
    ("8086", 0x7AB0, 0x7ACB, "Intel 600 series"),
    ("8086", 0x8C10, 0x8C1F, "Intel 8 series"),
    ("8086", 0x8C90, 0x8C9E, "Intel 9 series"),
    ("8086", 0x8D10, 0x8D1F, "Intel C610/X99"),
    ("8086", 0xA110, 0xA11F, "Intel 100 series"),
    ("8086", 0xA167, 0xA16A, "Intel 100 series"),
    ("8086", 0xA190, 0xA19F, "Intel C620"),
    ("8086", 0xA1E7, 0xA1EA, "Intel C620"),
    ("8086", 0xA290, 0xA29F, "Intel 200 series"),
    ("8086", 0xA2E7, 0xA2EE, "Intel 200 series"),
    ("8086", 0xA32C, 0xA343, "Intel 300 series"),
    ("8086", 0xA394, 0xA39A, "Intel B460/H410"),
)


def chipset(vendor: str, device: str) -> str | None:
    """The chipset that a port of these ids ("8086", "a330") is part of, None for any other."""
    number = int(device, 16)
    found = (name for maker, low, high, name in _PORTS if maker == vendor and low <= number <= high)
    return next(found, None)
