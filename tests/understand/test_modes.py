"""How a card is set, where its two voices tell different things."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.facts import Missing
from preflight.understand import understand
from tests.understand.build import ADDRESSES, CARDS, bare, changed, command

A100, RTX4090 = "0x20b2", "0x2684"
OFF = "!NOT_SUPPORTED"


def mig(device: str, by_nvml: Any, by_smi: str | None) -> object:
    builder = bare(MigMode=by_nvml)
    tree = changed(builder.sources["sysfs-pci"], f"{CARDS[0]}/device", device)
    mode = f"<mig_mode><current_mig>{by_smi}</current_mig></mig_mode>"
    card = f'<gpu id="{ADDRESSES[0]}">{mode}</gpu>'
    listing = f"<nvidia_smi_log><attached_gpus>1</attached_gpus>{card}</nvidia_smi_log>"
    said = None if by_smi is None else command(listing)
    gpus = understand(builder.capture(sysfs_pci=tree, smi_q=said)).gpus
    assert isinstance(gpus, tuple)
    return gpus[0].mig_enabled


@pytest.mark.parametrize("device", [A100, RTX4090])
@pytest.mark.parametrize("by_nvml", [OFF, "!UNKNOWN", [0, 0], [1, 1]])
def test_a_voice_that_says_on_counts(device: str, by_nvml: Any) -> None:
    assert mig(device, by_nvml, "Enabled") is True


@pytest.mark.parametrize("by_smi", [None, "N/A"])
def test_only_a_card_that_cannot_be_divided_owes_no_mode(by_smi: str | None) -> None:
    assert mig(RTX4090, OFF, by_smi) is False
    assert mig(A100, OFF, by_smi) == Missing("not-supported", "NOT_SUPPORTED")
    assert mig(A100, [0, 0], by_smi) is False
