"""Why a vLLM server did not start, and the KV cache of one that did, from its log.

Seen with vLLM 0.5 to 0.32, plain, from a journal, and behind process and time stamps:

    (EngineCore pid=712) ERROR 11-24 15:10:08 [core.py:1129] EngineCore failed to start.
    (EngineCore pid=712) ERROR 11-24 15:10:08 [core.py:1129] ValueError: To serve at least one …
    (APIServer pid=651) RuntimeError: Engine core initialization failed. See root cause above.

The root cause's own line is the first that names one; the last line of the last traceback hardly
ever is. Only these two facts are read so far, so the kind is not yet offered by `parse`.
"""

from __future__ import annotations

import re

from preflight.parsers.recording import table_lines

# What one process puts before each of its lines: "(EngineCore pid=712) ", "[rank0]: ",
# "ERROR 11-24 15:10:08 [core.py:1129] ".
_PREFIX = re.compile(
    r"[ |]{0,200}"
    r"(?:\([A-Za-z][\w ]{0,60}(?:pid|rank)=[^()\n]{1,40}\) {0,4})?"
    r"(?:\[rank\d{1,4}\]:? {0,4}|\[Stage-\d{1,4}\] {0,4})?"
    r"(?:(?:ERROR|CRITICAL|WARNING|INFO|DEBUG) \d\d-\d\d \d\d:\d\d:\d\d (?:\[[^\]\n]{1,80}\]|"
    r"[\w.]{1,60}:\d{1,6}\]) ?)?[ |]{0,200}"
)
_IS_NO_ERROR = re.compile(r"(?:WARNING|INFO|DEBUG) \d\d-\d\d ")
_OUT_OF_MEMORY = re.compile(
    r"CUDA out of memory|CUDA error: out of memory|cudaErrorMemoryAllocation"
)

# The class that a line names by itself; the first that fits.
_CLASSES = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("kv-too-small", r"To serve at least one request with the model's max seq len"),
        ("kv-too-small", r"No available memory for the cache blocks"),
        ("kv-too-small", r"max seq len \(\d{1,12}\) is larger than the maximum number of tokens"),
        ("memory-taken", r"Free memory on device .{0,200}is less than desired GPU memory"),
        ("driver-too-old", r"NVIDIA driver on your system is too old"),
        ("driver-too-old", r"CUDA driver version is insufficient for CUDA runtime"),
        ("driver-too-old", r"forward compatibility was attempted on non supported HW"),
        ("port-in-use", r"Address already in use"),
        (
            "nccl",
            r"NCCL error|NCCL failure|ncclUnhandledCudaError|ncclSystemError|ncclInternalError",
        ),
        ("nccl", r"DistBackendError|NCCL WARN Cuda failure"),
        ("model-not-found", r"is not a local folder and is not a valid model identifier"),
        ("model-not-found", r"Repo id must (?:be in the form|use alphanumeric)"),
        ("model-not-found", r"does not appear to have a file named config\.json"),
        ("model-not-found", r"Invalid repository ID or local directory specified"),
        ("model-not-found", r"(?:RepositoryNotFound|LocalEntryNotFound|GatedRepo)Error"),
        ("model-not-found", r"Cannot find any model weights with"),
        ("model-not-found", r"Can't load the configuration of '"),
    )
)
# Named where nothing else is: an exception's line, an argument that was refused, a setting.
_OTHER = re.compile(
    r"Value error, |[\w.]{1,160}(?:Error|Exception)(?:\[[\w.]{1,60}\])?: "
    r"|vllm[\w .]{0,40}: error: "
)
# Exceptions that only tell that another one was raised elsewhere.
_SECOND_HAND = re.compile(
    r"Engine core initialization failed|WorkerProc initialization failed|Engine process failed"
    r"|EngineCore encountered|EngineDeadError|Executor failed|validation errors? for"
    r"|Worker failed with error|cancelled"
)
# How far the start had come, which tells the kinds of out of memory apart.
_STAGES = (
    ("oom-profile", re.compile(r"Model loading took|Loading model weights took")),
    ("oom-graph", re.compile(r"Capturing CUDA graph|Capturing cudagraphs|Capturing the model")),
)
_KV_TOKENS = re.compile(r"KV cache size: ([\d,]{1,20}) tokens")


def startup_error(text: str) -> dict[str, str] | None:
    """`{"class": …, "message": …}` of the root cause; None where the log tells of no error."""
    other: str | None = None
    out_of_memory = "oom-load"
    for line in table_lines(text):
        for stage, sign in _STAGES:
            if sign.search(line):
                out_of_memory = stage
        words = message(line)
        if words is None:
            continue
        if _OUT_OF_MEMORY.search(words):
            return {"class": out_of_memory, "message": words}
        for name, pattern in _CLASSES:
            if pattern.search(words):
                return {"class": name, "message": words}
        if other is None and _OTHER.match(words) and not _SECOND_HAND.search(words):
            other = words
    return None if other is None else {"class": "other", "message": other}


def kv_cache_tokens(text: str) -> int | None:
    """The tokens that the KV cache of one server holds; the smallest where ranks differ."""
    found = (number.replace(",", "") for number in _KV_TOKENS.findall(text))
    return min((int(number) for number in found if number), default=None)


def message(line: str) -> str | None:
    """A line without what its process put before it; None where it is no error by its own level."""
    prefix = _PREFIX.match(line)
    end = prefix.end() if prefix else 0
    return None if _IS_NO_ERROR.search(line[:end]) else line[end:].rstrip()
