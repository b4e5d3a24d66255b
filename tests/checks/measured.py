"""Figures for tests, as the probe's samples would give them."""

from __future__ import annotations

from typing import Any

from preflight.facts import Figure, GpuModel
from preflight.measured import ComputeRate, CudaDevice, Measured, Rest

RATES = {
    "tensor_flop_per_clock_sm": Figure(512, "architecture"),
    "fp32_flop_per_clock_sm": Figure(256, "architecture"),
    "l2_mb": Figure(72, "architecture"),
}


def measured(median: float, unit: str = "GB/s", better: float | None = None) -> Measured:
    return Measured(median, median if better is None else better, 0.01, 9, unit, "a test")


def rate(per_clock_sm: float, **traits: Any) -> ComputeRate:
    told = {"tflops": None, "clock_mhz": None, "kernel": "mma.sync", "throttle": ()} | traits
    return ComputeRate(measured(per_clock_sm, "flop/clock/SM"), **told)


def cuda_device(**traits: Any) -> CudaDevice:
    told = {"name": "NVIDIA GeForce RTX 4090", "sm_count": 128, "compute_capability": "8.9"}
    return CudaDevice(**(told | traits))


def rest(**traits: Any) -> Rest:
    told = {
        "window_s": 5.0,
        "temperature_c": 35.0,
        "power_w": 20.0,
        "utilization_percent": 0.0,
        "performance_state": "P8",
    }
    return Rest(**(told | traits))


def models(*names: str) -> tuple[GpuModel, ...]:
    return tuple(GpuModel(f"gpu{n}", name, None, None) for n, name in enumerate(names))
