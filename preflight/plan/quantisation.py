"""Which format each weight of a checkpoint is in, as its quantization_config declares it.

Read as vLLM 0.32 reads it (model_executor/layers/quantization). Embedding, norms and routers stay
in 16 bits in every method; the head does unless the config says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from preflight.errors import UsageError
from preflight.plan import formats
from preflight.plan.fields import Fields
from preflight.plan.formats import BF16, FP8, FP8_BLOCK, INT8, INT8_WEIGHT
from preflight.plan.ignored import NONE, Names, names
from preflight.plan.shapes import Format

_MAX_NAMES = 50_000
_MAX_GROUPS = 64
# Methods that vLLM has and that are not read here, with "" for none named; a test holds them to
# the registry of a real vLLM. What left it before 0.32 (gguf, rtn) is refused like what never was.
_UNREAD = frozenset({"", "quark", "torchao", "moe_wna16", "fp_quant", "modelopt_mixed"})
_UNREAD |= {"online", "humming", "deepseek_v4_fp8", "fp8_per_tensor", "fp8_per_block"}
_UNREAD |= {"fp8_per_channel", "int8_per_channel_weight_only", "nvfp4_per_token"}


@dataclass(frozen=True)
class Quantisation:
    """`rules` are tried in order, each for the names that it takes; `ignored` go before them."""

    format: Format = BF16  # of what no rule names
    rules: tuple[tuple[Names, Format], ...] = ()
    ignored: Names = NONE
    only_experts: bool = False
    head: bool = False
    kv_cache_dtype: str = "auto"
    notes: tuple[str, ...] = ()

    def of(self, name: str) -> Format:
        """The format of a linear layer by its name, "layers.3.self_attn.q_proj"."""
        if self.only_experts and ".experts" not in name:
            return BF16
        if self.ignored.take(name):
            return BF16
        if name == "lm_head" and not self.head:
            return BF16
        return next((format for rule, format in self.rules if rule.take(name)), self.format)


def quantisation(config: Fields | None) -> Quantisation:
    """From a quantization_config; 16 bit throughout where there is none."""
    if config is None:
        return Quantisation()
    method = config.text("quant_method", "modelopt" if "quant_algo" in config else "").lower()
    reader = _METHODS.get(method)
    if reader is None and method not in _UNREAD:
        raise UsageError(f"{config.name}: vLLM 0.32 has no quantisation {method[:40]!r}")
    if reader is None:
        said = f"the quantisation {method[:40]!r} is not known here: counted as 16 bit"
        return Quantisation(notes=(said,))
    found = reader(config)
    ignored = _ignored(config)
    notes = found.notes
    if ignored.left_out:
        said = f"{ignored.left_out} patterns of layers left in 16 bit could not be read"
        notes += (f"{said}: those layers are counted as quantised",)
    return replace(found, ignored=ignored, kv_cache_dtype=_kv_cache(config), notes=notes)


def _ignored(config: Fields) -> Names:
    keys = ("modules_to_not_convert", "ignore", "ignored_layers", "exclude_modules")
    return names([name for key in keys for name in config.words(key, _MAX_NAMES)])


def _kv_cache(config: Fields) -> str:
    named = config.raw.get("kv_cache_scheme")
    scheme = None if isinstance(named, str) else config.inner("kv_cache_scheme")
    if isinstance(named, str):  # as some of ModelOpt's have it, by name
        return "fp8" if named.upper() == "FP8" else "auto"
    if scheme is not None:
        is_float8 = scheme.text("type") == "float" and scheme.whole("num_bits", most=32) == 8
        return "fp8" if is_float8 else "auto"
    return "fp8" if config.text("kv_cache_quant_algo").upper() == "FP8" else "auto"


def _fp8(config: Fields) -> Quantisation:
    return Quantisation(FP8_BLOCK if "weight_block_size" in config else FP8)


def _awq(config: Fields) -> Quantisation:
    zeros = config.truth("zero_point", True)
    return Quantisation(_grouped("awq", config, zeros=zeros), head=config.truth("lm_head"))


def _gptq(config: Fields) -> Quantisation:
    # vLLM keeps the checkpoint's zero points only where they are used: without `sym`.
    zeros, order = not config.truth("sym", True), config.truth("desc_act")
    format = _grouped("gptq", config, zeros=zeros, order=order)
    return Quantisation(format, head=config.truth("lm_head"))


_BITS = {"awq": (4,), "gptq": (2, 3, 4, 8)}  # AWQConfig and GPTQConfig raise for others


def _grouped(name: str, config: Fields, *, zeros: bool, order: bool = False) -> Format:
    bits = config.whole("bits", "w_bit", "num_bits", least=2, most=8, default=4)
    group = config.whole("group_size", "q_group_size", least=-1, most=1 << 20, default=128)
    if bits not in _BITS[name]:
        raise UsageError(f"{config.name}: vLLM runs no {name} of {bits} bits")
    return formats.integer(name, bits, group, zeros=zeros, order=order)


def _compressed(config: Fields) -> Quantisation:
    groups = config.inner("config_groups")
    if groups is None:
        return Quantisation()
    rules: list[tuple[Names, Format]] = []
    rest = BF16
    for key in list(groups.raw)[:_MAX_GROUPS]:
        group = groups.inner(key)
        weights = group.inner("weights") if group else None
        if group is None or weights is None:
            continue
        format = _by_weights(weights, group.inner("input_activations"))
        targets = group.words("targets", _MAX_NAMES)
        if "Linear" in targets or not targets:
            rest = format
        named = [target for target in targets if target != "Linear"]
        if named:
            rules.append((names(named), format))
    has_head = any(rule.take("lm_head") for rule, _ in rules)
    return Quantisation(rest, tuple(rules), head=has_head)


def _by_weights(weights: Fields, activations: Fields | None) -> Format:
    bits = weights.whole("num_bits", least=1, most=32)
    is_float = weights.text("type") == "float"
    group = weights.whole("group_size", least=-1, most=1 << 20, default=-1)
    if bits == 8 and is_float:
        return FP8_BLOCK if weights.text("strategy") == "block" else FP8
    if bits == 8 and activations is not None:
        return INT8
    if bits == 4 and is_float:
        four = formats.MXFP4 if group == 32 else formats.NVFP4
        return four if activations is not None else replace(four, computes_in="bf16")
    if bits >= 16:
        return BF16
    return formats.integer(
        "int" + str(bits), bits, group, zeros=not weights.truth("symmetric", True)
    )


def _modelopt(config: Fields) -> Quantisation:
    algorithm = config.text("quant_algo").upper()
    if "config_groups" in config and algorithm in ("", "MIXED_PRECISION"):
        return _compressed(config)
    if algorithm == "MIXED_PRECISION":
        return _each(config.inner("quantized_layers"))
    format = _ALGORITHMS.get(algorithm)
    if format is None:
        return Quantisation(notes=(f"modelopt's {algorithm[:40]!r} is counted as 16 bit",))
    return Quantisation(format)


def _each(layers: Fields | None) -> Quantisation:
    """Every layer is listed with an algorithm of its own; those that are not stay in 16 bit."""
    listed: dict[str, list[str]] = {}
    for name in list(layers.raw)[:_MAX_NAMES] if layers else ():
        one = layers.inner(name) if layers else None
        algorithm = one.text("quant_algo").upper() if one else ""
        listed.setdefault(algorithm, []).append(name)
    rules = [(names(found), _ALGORITHMS.get(key, BF16)) for key, found in listed.items()]
    unread = [key for key in listed if key not in _ALGORITHMS]
    notes = tuple(f"modelopt's {key[:40]!r} is counted as 16 bit" for key in unread[:8])
    has_head = any(rule.take("lm_head") for rule, _ in rules)
    return Quantisation(BF16, tuple(rules), head=has_head, notes=notes)


def _bitsandbytes(config: Fields) -> Quantisation:
    return Quantisation(INT8_WEIGHT if config.truth("load_in_8bit") else formats.NF4)


_ALGORITHMS = {
    "FP8": FP8,
    "FP8_PER_CHANNEL_PER_TOKEN": FP8,
    "FP8_PB_WO": FP8_BLOCK,
    "NVFP4": formats.NVFP4,
    "W4A16_NVFP4": formats.NVFP4_WEIGHT,
    "MXFP8": formats.MXFP8,
}
_METHODS: dict[str, Callable[[Fields], Quantisation]] = {
    "fp8": _fp8,
    "fbgemm_fp8": lambda config: Quantisation(FP8),
    "awq": _awq,
    "awq_marlin": _awq,
    "auto_awq": _awq,
    "gptq": _gptq,
    "gptq_marlin": _gptq,
    "auto_gptq": _gptq,
    "auto-round": _gptq,
    "intel/auto-round": _gptq,
    "inc": _gptq,
    "compressed-tensors": _compressed,
    "modelopt": _modelopt,
    "modelopt_fp4": _modelopt,
    "modelopt_mxfp8": lambda config: Quantisation(formats.MXFP8),
    "mxfp8": lambda config: Quantisation(formats.MXFP8),
    "mxfp4": lambda config: Quantisation(formats.MXFP4, only_experts=True),
    "gpt_oss_mxfp4": lambda config: Quantisation(formats.MXFP4, only_experts=True),
    "experts_int8": lambda config: Quantisation(INT8_WEIGHT, only_experts=True),
    "bitsandbytes": _bitsandbytes,
}
NAMES = frozenset(_METHODS) | _UNREAD  # all that are taken
