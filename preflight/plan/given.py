"""Settings that a person gives by hand: what cannot be taken, and what is passed on uncounted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from preflight.catalog import vllm_settings
from preflight.catalog.vllm_versions import chain
from preflight.errors import UsageError
from preflight.plan.wish import Wish
from preflight.versions import parse, require

_VARIABLES = ("VLLM_", "NCCL_")
_LAYOUT = "--layout tp2, pp2, tp2pp2 or replicas"
_ROLE = "it has a field of its own in vllm_service_instances, which --write fills: change it there"
# What decides the layout, what the roles own, and what is secret: with what to do instead.
_REFUSED = {
    "tensor_parallel_size": _LAYOUT,
    "pipeline_parallel_size": _LAYOUT,
    "data_parallel_size": _LAYOUT,
    "host": "the roles decide where a server listens",
    "port": _ROLE,
    "model": "the model is the first argument of preflight plan",
    "served_model_name": _ROLE,
    "api_key": "a secret belongs in no plan: vllm_service_api_key of the role, in a vault",
}
_SECRET = re.compile(r"(?:^|_)(?:API_KEY|TOKEN|SECRET|PASSWORD)$")
_WIDE = frozenset({"float32", "float"})
# What takes or frees memory of the card, and is in no estimate here; vLLM's own names.
_NOT_COUNTED = frozenset(
    {
        "compilation_config",
        "cpu_offload_gb",
        "cudagraph_capture_sizes",
        "decode_context_parallel_size",
        "enable_lora",
        "hf_overrides",
        "kv_offloading_size",
        "kv_transfer_config",
        "limit_mm_per_prompt",
        "mamba_cache_dtype",
        "mamba_ssm_cache_dtype",
        "max_lora_rank",
        "max_loras",
        "num_gpu_blocks_override",
        "speculative_config",
    }
)
_BY_THE_GATE = frozenset({"disable_custom_all_reduce", "nccl_p2p_disable"})
_OFF = frozenset({"0", "false", "no", "off", ""})


def is_variable(name: str) -> bool:
    """Whether it goes into the environment: NCCL's and vLLM's, and all in capitals."""
    return name.upper().startswith(_VARIABLES) or name.isupper()


def check(name: str, value: object) -> None:
    """UsageError, with what to do, for a setting that --set cannot take; underscores in `name`."""
    if is_variable(name) and _SECRET.search(name.upper()):
        raise UsageError(f"--set {name}: a secret belongs in no plan", "remove it")
    if name.lower() in _REFUSED and not is_variable(name):
        raise UsageError(f"--set {name} cannot be taken", _REFUSED[name.lower()])
    if name.lower() == "dtype" and str(value).lower() in _WIDE:
        raise UsageError(f"--set dtype={value}: planned for 16-bit weights only", "dtype=bfloat16")


def check_known(name: str, vllm_version: str) -> None:
    """UsageError for a setting that this vLLM has not: it would not start, or take a like one."""
    if is_variable(name) or not vllm_settings.is_listed(vllm_version) or vllm_settings.has(name):
        return
    near = vllm_settings.near(name)
    words = f"--set {name.replace('_', '-')}: vLLM {vllm_version} has no such setting"
    raise UsageError(words, f"did you mean {' or '.join(near)}?" if near else "")


def is_on(settings: Mapping[str, object], name: str) -> bool:
    """Whether that one was asked for, and not to be off."""
    return any(key.upper() == name and not is_off(value) for key, value in settings.items())


def is_off(value: object) -> bool:
    return str(value).strip().lower() in _OFF


def notes(wish: Wish) -> tuple[str, ...]:
    """What the estimates leave out of what was asked."""
    return tuple(_notes(wish))


def _notes(wish: Wish) -> Iterator[str]:
    newest, asked = require(chain()[-1].since, "since"), parse(wish.vllm_version) or ()
    if asked[:2] > newest[:2]:
        yield (
            f"vLLM {wish.vllm_version[:20]} is newer than the newest known here"
            f" ({chain()[-1].since}): computed as that one"
        )
    for name, value in wish.settings.items():
        flag = name.replace("_", "-")
        if not is_variable(name) and not vllm_settings.has(name):
            yield f"whether vLLM {wish.vllm_version[:20]} has a setting {flag} is not known here"
        if name.lower() in _NOT_COUNTED and value is not False:
            yield f"{flag} is passed on and not counted: memory and speed will be others"
        if name.lower() in _BY_THE_GATE:
            yield (
                f"{name if is_variable(name) else flag} is not in what --write makes: the role"
                " decides it by what was measured"
            )
