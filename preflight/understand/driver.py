"""The driver as a whole: does it answer, which versions of it lie on the host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from preflight.capture import Capture, Source, plain
from preflight.facts import NOT_COLLECTED, DriverLibraries, DriverResponse, Fact, Missing
from preflight.understand.evidence import Evidence
from preflight.understand.libraries import nccl_libraries, versions
from preflight.understand.picking import Picked, Picks, first, whole, words
from preflight.understand.sources import exists, failure, file, refusal, text

_MISMATCH = "Driver/library version mismatch"
_LIBRARY_LINE = re.compile(r"NVML library version: (\d{2,4}\.[\d.]{1,12})")
_NVML_VERSION = re.compile(r"\d{1,3}\.(\d{2,4}\.\d{1,4}(?:\.\d{1,4})?)")
_MODULE = "/sys/module/nvidia/version"
_NO_PERMISSION = "NO_PERMISSION"
# A tool that ended well and gave no answer says so in words like these; else it was not understood.
_REFUSES = re.compile(
    r"(?!<).{0,200}?"  # no XML, whose names of fields tell of errors too
    r"(?:fail|error|unable|could ?n.t|can ?not|mismatch|no devices|not found|lost|insufficient)",
    re.IGNORECASE,
)
_CLIENT = re.compile(r"API mismatch: the client has the version (\d{2,4}\.[\d.]{1,12}\d)")


def driver(evidence: Evidence) -> Picks:
    capture = evidence.capture
    module = first(
        ("proc-nvidia", evidence.proc.module_version),
        ("os", file(capture, "os", _MODULE)),
    )
    return {
        "driver_response": _response(evidence),
        "driver_after_test": _after_test(capture),
        "driver_version": first(
            ("nvml", evidence.nvml.get("nvmlSystemGetDriverVersion", words)),
            ("smi-q", _smi_value(evidence, "driver_version")),
            module[::-1],
        ),
        "cuda_version": first(
            ("nvml", evidence.nvml.get("nvmlSystemGetCudaDriverVersion_v2", _cuda)),
            ("smi-q", _smi_value(evidence, "cuda_version")),
        ),
        "driver_libraries": _libraries(evidence, module),
        "nccl_libraries": first(("libraries", nccl_libraries(capture))),
        "nouveau_loaded": _loaded(capture, "nouveau", "/sys/module/nouveau"),
        "nvidia_module_loaded": _loaded(capture, "nvidia", _MODULE),
    }


def refusals(evidence: Evidence) -> Mapping[str, str]:
    """What each of the driver's voices said when it refused as a whole, by source.

    A user who may not ask is no refusal, and neither is a tool that is not there.
    """
    found = {}
    response = _smi_response(evidence)
    if isinstance(response, DriverResponse) and not response.answered:
        found["smi-q"] = f"nvidia-smi: {response.detail}"
    response = _nvml_response(evidence.capture.sources.get("nvml"))
    if isinstance(response, DriverResponse) and not response.answered:
        found["nvml"] = response.detail
    return found


def _response(evidence: Evidence) -> Picked:
    """Of the driver's two voices the one that got no answer."""
    readings = (
        ("smi-q", _smi_response(evidence)),
        ("nvml", _nvml_response(evidence.capture.sources.get("nvml"))),
    )
    bad = (one for one in readings if isinstance(one[1], DriverResponse) and not one[1].answered)
    told = next(bad, None)
    if told is None and isinstance(readings[0][1], Missing):
        return first(readings[0], ("nvml", _by_nvml(readings[1][1])))
    return first(told) if told else first(*readings)


def _by_nvml(response: DriverResponse | Missing) -> DriverResponse | Missing:
    """Says who answered where nvidia-smi was not heard."""
    return response if isinstance(response, Missing) else replace(response, detail="NVML")


def _smi_response(evidence: Evidence) -> DriverResponse | Missing:
    source = evidence.capture.sources.get("smi-q")
    if source is None:
        return NOT_COLLECTED
    if not isinstance(evidence.smi, Missing):
        if evidence.capture.imported:
            return Missing("not-in-a-bug-report", "how long nvidia-smi took to answer")
        return DriverResponse(source.duration_s, "answered", "")
    if source.status == "timed-out":
        waited = f"no answer within {source.duration_s:.0f} s"
        return DriverResponse(source.duration_s, "timed-out", waited)
    if source.truncated or source.status not in ("ok", "tool-failed"):
        return evidence.smi
    if source.status == "ok" and not _REFUSES.match(_said(source)):
        return evidence.smi
    return refusal(source) or DriverResponse(source.duration_s, "failed", _said(source))


def _nvml_response(source: Source | None) -> DriverResponse | Missing:
    why = failure(source)
    if source is None:
        return NOT_COLLECTED
    if why is None:
        return DriverResponse(source.duration_s, "answered", "")
    if why.reason == "timed-out":
        return DriverResponse(source.duration_s, "timed-out", f"NVML hung: {why.detail}")
    if _NO_PERMISSION in why.detail:
        return Missing("not-permitted", why.detail)
    if why.reason != "tool-failed":
        return why
    return DriverResponse(source.duration_s, "failed", f"nvmlInit: {why.detail}")


def _after_test(capture: Capture) -> Picked:
    """How NVML took it to be asked again after the load; a refusal that is old is no news."""
    before, after = (_nvml_response(capture.sources.get(n)) for n in ("nvml", "nvml-after"))
    if not isinstance(before, DriverResponse) or not before.answered:
        return Picked(Missing("not-collected", "NVML did not answer before the test"))
    has_broken = isinstance(after, DriverResponse) and not after.answered
    return Picked(after, "nvml-after" if has_broken else "")


def _said(source: Source) -> str:
    """The line in which nvidia-smi says why it gives nothing; a warning before it is not that."""
    lines = f"{source.stdout[:4096]}\n{source.stderr[:4096]}".splitlines()
    told = [line.strip() for line in lines if line.strip() and not line.startswith("WARNING")]
    return plain(next(iter(told), source.detail or f"exit status {source.exit_code}"))[:200]


def _smi_value(evidence: Evidence, key: str) -> Fact[str]:
    if isinstance(evidence.smi, Missing):
        return evidence.smi
    return words(evidence.smi.get(key)) or Missing("not-supported", key)


def _cuda(value: object) -> str | None:
    """ "13.0" of NVML's 13000."""
    number = whole(value)
    return f"{number // 1000}.{number % 1000 // 10}" if number else None


def _libraries(evidence: Evidence, module: Picked) -> Picked:
    """Versions by the files' names; nvidia-smi's own words where it sees them differ."""
    source = evidence.capture.sources.get("smi-q")
    said = f"{source.stdout[:4096]}\n{source.stderr[:4096]}" if source else ""
    refused = next((line.strip() for line in said.splitlines() if _MISMATCH in line), "")
    found = versions(evidence.capture)
    stated = _LIBRARY_LINE.search(said)
    told = {} if isinstance(found, Missing) else dict(found)
    if stated:
        told["libnvidia-ml"] = stated.group(1)
    loaded = evidence.nvml.get("nvmlSystemGetNVMLVersion", _after_interface)
    if isinstance(loaded, str):
        told["libnvidia-ml"] = loaded
    if evidence.capture.imported:
        told |= _told_by_use(evidence, refused)
    if not isinstance(module.value, str):
        return Picked(module.value)
    if isinstance(found, Missing) and not told and not refused:
        return first(("libraries", found), ("nvml", loaded))
    source_name = "nvml" if isinstance(found, Missing) else "libraries"
    source_name = "smi-q" if evidence.capture.imported else source_name
    return Picked(DriverLibraries(module.value, told, plain(refused)[:200]), source_name)


def _told_by_use(evidence: Evidence, refusal: str) -> dict[str, str]:
    """The library's version where no file was listed: an answer of nvidia-smi is one of equals.

    Where it refuses, the kernel has logged the version of the client that it turned away.
    """
    version = _smi_value(evidence, "driver_version")
    if isinstance(version, str):
        return {"libnvidia-ml": version}
    log = text(evidence.capture, "dmesg") if refusal else Missing("not-collected")
    scan = text(evidence.capture, "kernel-scan") if refusal else Missing("not-collected")
    logged = [log for log in (scan, log) if not isinstance(log, Missing)]
    clients = [version for log in logged for version in _CLIENT.findall(log)]
    return {"libnvidia-ml": clients[-1]} if clients else {}


def _after_interface(value: object) -> str | None:
    """ "580.159.04" of NVML's "13.580.159.04", which begins with the CUDA interface's number."""
    match = _NVML_VERSION.fullmatch(value) if isinstance(value, str) else None
    return match.group(1) if match else None


def _loaded(capture: Capture, name: str, mark: str) -> Picked:
    """A module of the running kernel, in a container the host's; `mark` is its trace in /sys."""
    if exists(capture, "os", mark):
        return Picked(True, "os")
    modules = file(capture, "proc", "/proc/modules")
    if isinstance(modules, Missing):
        return first(("os", failure(capture.sources.get("os")) or False), ("proc", modules))
    loaded = any(line.startswith(f"{name} ") for line in modules.splitlines())
    return Picked(loaded, "proc")
