"""The formats in which weights are stored, and what a card makes of each.

Bytes of each format: its own layout (OCP MX 1.0 for MXFP4, NVFP4's block of 16 with an E4M3
scale, AutoAWQ's and GPTQ's groups). Least compute capabilities: get_min_capability() of vLLM's
quantisation methods, 0.20 to 0.33.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from preflight.plan.shapes import Format
from preflight.versions import require

BF16 = Format("bf16", 16)
FP32 = Format("fp32", 32)
FP8 = Format("fp8", 8, output_bytes=4, computes_in="fp8")
FP8_BLOCK = Format("fp8-block", 8, group_size=128, group_bytes=4 / 128, computes_in="fp8")
INT8 = Format("int8", 8, output_bytes=4, computes_in="int8")
INT8_WEIGHT = Format("int8-weight", 8, output_bytes=4)
MXFP8 = Format("mxfp8", 8, group_size=32, group_bytes=1, computes_in="fp8")
MXFP4 = Format("mxfp4", 4, group_size=32, group_bytes=1, computes_in="fp4")
NVFP4 = Format("nvfp4", 4, group_size=16, group_bytes=1, computes_in="fp4")
NVFP4_WEIGHT = replace(NVFP4, name="nvfp4-weight", computes_in="bf16")
NF4 = Format("nf4", 4, group_size=64, group_bytes=4)

ONLINE = {
    "fp8": FP8,
    "fp8_per_tensor": FP8,
    "fp8_per_channel": FP8,
    "fp8_per_block": FP8_BLOCK,
    "int8_per_channel_weight_only": INT8_WEIGHT,
    "mxfp8": MXFP8,
    "nvfp4_per_token": NVFP4,
    "bitsandbytes": NF4,
}


def integer(name: str, bits: int, group_size: int, *, zeros: bool, order: bool = False) -> Format:
    """Weights of 2 to 8 bits with a 16-bit scale a group, and a packed zero point if asked.

    `group_size` -1 or 0 is one group for all inputs; `order` is GPTQ's act-order, which keeps the
    group of each input (4 bytes).
    """
    each = 2 + (bits / 8 if zeros else 0)
    if group_size <= 0:
        return Format(name, bits, output_bytes=each, has_zeros=zeros)
    index = 4.0 if order else 0.0
    return Format(name, bits, group_size, each, input_bytes=index, has_zeros=zeros)


@dataclass(frozen=True)
class Support:
    """How a card runs a format: in its own units, unpacked to 16 bit by a kernel, or not."""

    how: Literal["native", "unpacked", "none"]
    kernel: str = ""  # "Marlin", "Machete", "Triton"
    reason: str = ""  # why not


LEAST = (7, 5)  # what vLLM's wheels are built for since 0.20
_NATIVE = {"fp8": (8, 9), "int8": (7, 5)}
_FP4 = (10, 12)  # majors with units for 4-bit floats
_MXFP4_LEAST = (8, 0)
# csrc .../cutlass/c3x: no int8 function is handed over for SM100 and SM120, and the Triton kernel
# behind it in the list is never asked; vllm-project/vllm#54311, open when 0.32 came out
_INT8_MOST = (10, 0)


def support(format: Format, capability: tuple[int, int], vllm_version: str) -> Support:
    """What this card makes of that format."""
    if capability < LEAST:
        words = (
            f"compute capability {_dotted(capability)} is below 7.5, the least that vLLM runs on"
        )
        return Support("none", reason=words)
    if format.name == "nf4" and require(vllm_version, "vLLM version") >= (0, 28):
        return Support("none", reason="bitsandbytes left vLLM's core in 0.28")
    if format.name == "mxfp4" and capability < _MXFP4_LEAST:
        words = f"MXFP4 needs compute capability 8.0, this card has {_dotted(capability)}"
        return Support("none", reason=words)
    if format.computes_in == "int8" and capability >= _INT8_MOST:
        words = (
            f"int8 for weights and activations has no kernel in vLLM from compute capability 10.0"
            f" on, this card has {_dotted(capability)}"
        )
        return Support("none", reason=words)
    if is_native(format, capability):
        return Support("native")
    return Support("unpacked", _kernel(format, capability))


def is_native(format: Format, capability: tuple[int, int]) -> bool:
    """Whether the card multiplies in that format itself."""
    if format.bits >= 16:
        return True
    if format.computes_in == "fp4":
        return capability[0] in _FP4
    least = _NATIVE.get(format.computes_in)
    return least is not None and capability >= least


def _kernel(format: Format, capability: tuple[int, int]) -> str:
    if format.name == "nf4":
        return "bitsandbytes"
    if capability[0] == 9 and format.name == "mxfp4":
        return "Triton"
    is_integer = format.bits < 16 and format.computes_in == "bf16"
    return "Machete" if capability == (9, 0) and is_integer else "Marlin"


def held(format: Format, capability: tuple[int, int]) -> Format:
    """As the card holds it once loaded: kernels repack what they read.

    Machete (compute capability 9.0) keeps zero points as 16-bit values, scaled beforehand, where
    the checkpoint packs them (machete.py, transform_w_zp). Marlin spreads the one scale of a block
    of 128 x 128 over its columns, as 16 bits each (marlin_utils_fp8.py).
    """
    kernel = "" if is_native(format, capability) else _kernel(format, capability)
    if kernel == "Machete" and format.has_zeros and format.group_size:
        return replace(format, group_bytes=4.0)
    if kernel == "Marlin" and format.name == "fp8-block":
        return replace(format, group_bytes=2.0)
    if kernel == "Marlin" and format.name == "fp8":
        return replace(format, output_bytes=2.0)
    return format


def bytes_of(format: Format, inputs: int, outputs: int) -> float:
    """Of one matrix in that format, its scales and zeros with it."""
    groups = -(-inputs // format.group_size) if format.group_size else 0
    per_output = format.output_bytes + groups * format.group_bytes
    return inputs * outputs * format.bits / 8 + outputs * per_output + inputs * format.input_bytes


def _dotted(capability: tuple[int, int]) -> str:
    return f"{capability[0]}.{capability[1]}"
