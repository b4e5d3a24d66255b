"""Filters of this role: vLLM's settings from layers of variables, and why a start failed."""

from __future__ import annotations

import re
from typing import Any

from ansible.errors import AnsibleFilterError

try:
    from preflight.parsers import plain_text, vllm_log
except ImportError as error:
    _NO_PACKAGE = AnsibleFilterError(f"{error}: install gpu-preflight beside Ansible (pip)")
    vllm_log = None

# Our own helpers' lines in the unit's journal.
_GUARD = re.compile(r"^vllm-guard: (foreign-process|port-in-use|not-ready): (.{1,2000})$", re.M)
_READY = re.compile(r"^vllm-ready: (.{1,2000})$", re.M)


def vllm_flags(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Flags of `vllm serve` by their long names; later layers go before, null takes one out."""
    flags: dict[str, Any] = {}
    for layer in layers:
        flags.update({name.replace("_", "-"): value for name, value in layer.items()})
    return {name: value for name, value in flags.items() if value is not None}


def vllm_start_error(journal: str) -> dict[str, str]:
    """`{"class": …, "message": …}` of a start that failed, from the journal of that start."""
    if vllm_log is None:
        raise _NO_PACKAGE
    text = plain_text(journal)
    guard = _GUARD.search(text)
    if guard:
        return {"class": guard[1], "message": guard[2]}
    ready = _READY.search(text)
    told = ready[1] if ready else (text.strip().splitlines() or ["the journal is empty"])[-1]
    return vllm_log.startup_error(text) or {"class": "not-ready", "message": told[:2000]}


def vllm_kv_cache_tokens(journal: str) -> int | None:
    """The tokens that the KV cache holds, null where the journal does not tell."""
    if vllm_log is None:
        raise _NO_PACKAGE
    return vllm_log.kv_cache_tokens(plain_text(journal))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "vllm_flags": vllm_flags,
            "vllm_start_error": vllm_start_error,
            "vllm_kv_cache_tokens": vllm_kv_cache_tokens,
        }
