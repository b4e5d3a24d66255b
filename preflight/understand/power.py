"""A card's power, heat and clocks: limits, readings, and what holds the clocks back now."""

from __future__ import annotations

from preflight.facts import Fact
from preflight.understand.cards import CardEvidence
from preflight.understand.driver_says import smi, unless_absent
from preflight.understand.picking import Picked, Picks, celsius, count, first, number, whole, words

# nvmlClocksEventReasons; bit 0x1 is idleness, no throttle
_REASONS = {
    0x2: "applications_clocks",
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal",
    0x40: "hw_thermal",
    0x80: "hw_power_brake",
    0x100: "display_clocks",
}
_IDLE = 0x1
_NO_CLOCKS = "the card has no application clocks"
_MOST_W = 20_000  # of one card: a guess, ten times what is built
_UNKNOWN_STATE = 32  # NVML_PSTATE_UNKNOWN


def power(card: CardEvidence) -> Picks:
    limits = "PowerManagementLimitConstraints"
    margin = _margin(card)
    return {
        "power_limit_w": first(
            ("nvml", card.nvml.get("EnforcedPowerLimit", _limit_of_nvml)),
            ("smi-q", smi(card, "power_limit_w", _limit)),
        ),
        "power_limit_default_w": first(
            ("nvml", card.nvml.get("PowerManagementDefaultLimit", _limit_of_nvml)),
            ("smi-q", smi(card, "power_limit_default_w", _limit)),
        ),
        "power_limit_min_w": first(
            ("nvml", card.nvml.part(limits, 0, _limit_of_nvml)),
            ("smi-q", smi(card, "power_limit_min_w", _limit)),
        ),
        "power_limit_max_w": first(
            ("nvml", card.nvml.part(limits, 1, _limit_of_nvml)),
            ("smi-q", smi(card, "power_limit_max_w", _limit)),
        ),
        "power_draw_w": first(
            ("nvml", card.nvml.get("PowerUsage", _of_milliwatts)),
            ("smi-q", smi(card, "power_w", _draw)),
        ),
        "temperature_c": first(
            ("nvml", card.nvml.get("Temperature(GPU)", celsius)),
            ("smi-q", smi(card, "temperature_c", celsius)),
        ),
        "temperature_margin_c": margin,
        "temperature_slowdown_c": _slowdown(card, margin.value),
        "memory_temperature_c": first(
            ("nvml", card.nvml.get("FieldValues(MEMORY_TEMP)", _warm)),
            ("smi-q", smi(card, "memory_temperature_c", _warm)),
        ),
        "memory_temperature_max_c": first(
            ("nvml", card.nvml.get("TemperatureThreshold(MEM_MAX)", _warm)),
            ("smi-q", smi(card, "memory_temperature_max_c", _warm)),
        ),
        "fan_speed_percent": _fan(card),
        **_clocks(card),
        "performance_state": first(
            ("nvml", card.nvml.get("PerformanceState", _state)),
            ("smi-q", smi(card, "pstate", words)),
        ),
        "throttle_reasons": first(
            ("nvml", card.nvml.get("CurrentClocksEventReasons", throttle_names)),
            ("nvml", card.nvml.get("CurrentClocksThrottleReasons", throttle_names)),
            ("smi-q", smi(card, "throttle", _names)),
        ),
    }


def _clocks(card: CardEvidence) -> dict[str, Picked]:
    fastest = card.nvml.get("MaxClockInfo(MEM)", whole)
    width = card.nvml.get("MemoryBusWidth", whole)
    return {
        "clock_max_mhz": first(("nvml", card.nvml.get("MaxClockInfo(GRAPHICS)", whole))),
        "clock_memory_max_mhz": first(("nvml", fastest)),
        "memory_bandwidth_gb_s": first(("nvml", _bandwidth(fastest, width))),
        "clock_application_mhz": first(
            ("nvml", unless_absent(card.nvml.get("ApplicationsClock(GRAPHICS)", whole), _NO_CLOCKS))
        ),
        "clock_application_default_mhz": first(
            (
                "nvml",
                unless_absent(
                    card.nvml.get("DefaultApplicationsClock(GRAPHICS)", whole), _NO_CLOCKS
                ),
            )
        ),
    }


def _bandwidth(clock_mhz: Fact[int], width_bits: Fact[int]) -> Fact[float]:
    """Two transfers a clock, as NVML counts the clocks of GDDR and HBM alike.

    An RTX 4090 with 10,501 MHz and 384 bits has 1,008 GB/s, an H100 with 2,619 and 5,120 has 3,352.
    """
    if not isinstance(clock_mhz, int):
        return clock_mhz
    return clock_mhz * 2 * width_bits / 8 / 1000 if isinstance(width_bits, int) else width_bits


def _margin(card: CardEvidence) -> Picked:
    """Degrees left to the target (T.Limit); cards before Ada and Hopper tell none."""
    none = "the card tells no margin to its limit"
    return first(
        ("nvml", unless_absent(card.nvml.get("MarginTemperature", celsius), none)),
        ("smi-q", unless_absent(smi(card, "temperature_margin_c", celsius), none)),
    )


def _slowdown(card: CardEvidence, margin: Fact[int]) -> Picked:
    readings = (
        ("nvml", card.nvml.get("TemperatureThreshold(SLOWDOWN)", celsius)),
        ("smi-q", smi(card, "temperature_slowdown_c", celsius)),
    )
    if not isinstance(margin, int):
        return first(*readings)
    instead = "the card tells the margin to its limit instead"
    return first(*((source, unless_absent(fact, instead)) for source, fact in readings))


def _fan(card: CardEvidence) -> Picked:
    none = "the card has no fan of its own"
    return first(
        ("nvml", unless_absent(card.nvml.get("FanSpeed", count), none)),
        ("smi-q", unless_absent(smi(card, "fan_percent", count), none)),
    )


def _warm(value: object) -> int | None:
    """Drivers give 0 for a sensor that is not there."""
    return celsius(value) or None


def _limit_of_nvml(milliwatts: object) -> float | None:
    return _limit(_of_milliwatts(milliwatts))


def _limit(watts: object) -> float | None:
    """No card works with nothing, and none gives power."""
    return _draw(watts) or None


def _of_milliwatts(milliwatts: object) -> float | None:
    value = number(milliwatts)
    return None if value is None else _draw(value / 1000)


def _draw(watts: object) -> float | None:
    value = number(watts)
    return value if value is not None and 0 <= value <= _MOST_W else None


def _state(value: object) -> str | None:
    state = whole(value)
    return f"P{state}" if state is not None and 0 <= state < _UNKNOWN_STATE else None


def throttle_names(mask: object) -> tuple[str, ...] | None:
    """Names of the bits that are set; a bit without a name as hexadecimal."""
    bits = whole(mask)
    if bits is None or bits < 0:
        return None
    named = tuple(name for bit, name in _REASONS.items() if bits & bit)
    rest = bits & ~(sum(_REASONS) | _IDLE)
    return (*named, hex(rest)) if rest else named


def _names(value: object) -> tuple[str, ...] | None:
    return tuple(map(str, value)) if isinstance(value, list) else None
