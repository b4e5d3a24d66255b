"""Why a vLLM server did not start: the class and the own line of the root cause.

Seen with vLLM 0.5 to 0.32, plain, from a journal, and behind process and time stamps:

    (EngineCore pid=712) ERROR 11-24 15:10:08 [core.py:1129] EngineCore failed to start.
    (EngineCore pid=712) ERROR 11-24 15:10:08 [core.py:1129] ValueError: To serve at least one …
    (APIServer pid=651) RuntimeError: Engine core initialization failed. See root cause above.

The root cause's own line is the first that names one; the last line of the last traceback hardly
ever is. Lines that are INFO or WARNING by their own level are none.
"""

from __future__ import annotations

import re

from preflight.parsers.recording import table_lines

# What stands before the words: the logger's stamp, "ERROR 11-24 15:10:08 [core.py:1129] ", after
# whatever else; or, where a line has none, "(EngineCore pid=712) " and "[rank0]: ".
_STAMP = re.compile(
    r"(ERROR|CRITICAL|WARNING|INFO|DEBUG) \d\d-\d\d \d\d:\d\d:\d\d "
    r"(?:\[[^\]\n]{1,80}\]|[\w./]{1,80}:\d{1,6}\]) ?"
)
_BEFORE_THE_STAMP = 300  # characters
_PROCESS = re.compile(
    r"(?:\([A-Za-z][\w ]{0,60}(?:pid|rank)=[^()\n]{1,40}\) {0,4})?"
    r"(?:\[rank\d{1,4}\]:? {0,4}|\[Stage-\d{1,4}\] {0,4})?"
)
# An INFO of another logger has no stamp, and the line of a request quotes whatever was asked.
_NO_ERROR = re.compile(
    r"(?:INFO|WARNING|DEBUG)(?::| (?!\S{0,40}Error))|.{0,100}Received request \S"
)
_JOURNAL = re.compile(
    r"(?:[^\W\d]{3,5}\.? [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S{8,40})"
    r" [\w.-]{1,80} \S{1,80}: {0,4}"
)
_EDGE = " |│┃"  # of a table that a terminal drew around the log
_OUT_OF_MEMORY = re.compile(
    r"CUDA out of memory|CUDA error: out of memory|cudaErrorMemoryAllocation"
)

# The class that a line names by itself; the first that fits.
_CLASSES = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("kv-too-small", r"To serve at least one request with the models?'s max seq len"),
        ("kv-too-small", r"No available memory for the cache blocks"),
        ("kv-too-small", r"max seq len \(\d{1,12}\) is larger than the maximum number of tokens"),
        ("kv-too-small", r"Cannot auto-fit max_model_len: not enough GPU memory"),
        ("kv-too-small", r"max_num_seqs \(\d{1,9}\) exceeds available Mamba cache blocks"),
        ("memory-taken", r"Free memory on device .{0,200}is less than (?:desired|the engine's)"),
        ("memory-taken", r"Error in memory profiling\. Initial free memory"),
        ("driver-too-old", r"NVIDIA driver on your system is too old"),
        ("driver-too-old", r"CUDA driver version is insufficient for CUDA runtime"),
        ("driver-too-old", r"forward compatibility was attempted on non supported HW"),
        ("driver-too-old", r"system has unsupported display driver / cuda driver combination"),
        ("driver-too-old", r"the provided PTX was compiled with an unsupported toolchain"),
        ("port-in-use", r"(?i:address already in use)"),
        (
            "nccl",
            r"NCCL error|NCCL failure|ncclUnhandledCudaError|ncclSystemError|ncclInternalError",
        ),
        ("nccl", r"DistBackendError|NCCL WARN Cuda failure|Watchdog caught collective operation"),
        ("model-not-found", r"is not a local folder and is not a valid model identifier"),
        ("model-not-found", r"Repo id must (?:be in the form|use alphanumeric)"),
        ("model-not-found", r"does not appear to have a file named config\.json"),
        ("model-not-found", r"Invalid repository ID or local directory specified"),
        ("model-not-found", r"(?:RepositoryNotFound|LocalEntryNotFound|GatedRepo)Error"),
        ("model-not-found", r"Cannot find any model weights with|Repository Not Found for url"),
        ("model-not-found", r"Can't load the configuration of '|trying to access a gated repo"),
    )
)
# Named where nothing else is: an exception's line, an argument that was refused, a setting.
_OTHER = re.compile(
    r"Value error, |[\w.]{1,160}(?:Error|Exception)(?:\[[\w.]{1,60}\])?: "
    r"|vllm[\w .]{0,40}: error: |EngineCore failed to start"
)
# A line of the program in a traceback holds the same words.
_SOURCE = re.compile(r"raise |assert |f?[\"']")
# What only tells that something was raised elsewhere: said where nothing else is.
_SECOND_HAND = re.compile(
    r"EngineCore failed to start|Engine core initialization failed|WorkerProc initialization failed"
    r"|Engine process failed|EngineCore encountered|EngineDeadError|Executor failed"
    r"|validation errors? for|Worker failed with error|cancelled"
)
# How far the start had come, which tells the kinds of out of memory apart. After the graphs a
# whole batch is sampled once more; after the start it is a request that did not fit.
# What runs tells it too, where only a traceback was kept: its calls stand there outermost first.
_STAGES = (
    ("oom-load", re.compile(r"in (?:load_model|get_model)\b")),
    ("oom-profile", re.compile(r"Model loading took|Loading model weights took")),
    ("oom-profile", re.compile(r"in (?:profile_run|determine_(?:num_)?available_\w{1,9})\b")),
    ("oom-graph", re.compile(r"Capturing CUDA graph|Capturing cudagraphs|Capturing the model")),
    ("oom-graph", re.compile(r"in (?:capture_model|capture_end|_capture_cudagraphs)\b")),
    ("oom-profile", re.compile(r"Graph capturing finished")),
    ("other", re.compile(r"Application startup complete|init engine \(profile")),
)


def startup_error(text: str) -> dict[str, str] | None:
    """`{"class": …, "message": …}` of the root cause; None where the log tells of no error."""
    other: str | None = None
    echo: str | None = None
    out_of_memory = "oom-load"
    for line in table_lines(text):
        for stage, sign in _STAGES:
            if sign.search(line):
                out_of_memory = stage
        words = message(line)
        if words is None or _SOURCE.match(words):
            continue
        if _OUT_OF_MEMORY.search(words):
            return {"class": out_of_memory, "message": words}
        for name, pattern in _CLASSES:
            if pattern.search(words):
                return {"class": name, "message": words}
        if _OTHER.match(words):
            if _SECOND_HAND.search(words):
                echo = echo or words
            else:
                other = other or words
    told = other or echo
    return None if told is None else {"class": "other", "message": told}


def message(line: str) -> str | None:
    """A line without what stands before its words; None where it is no error by its own level."""
    stamp = _STAMP.search(line[:_BEFORE_THE_STAMP])
    if stamp is None:
        words = line.strip(_EDGE)
        for before in (_JOURNAL, _PROCESS):
            found = before.match(words)
            words = words[found.end() if found else 0 :].strip(_EDGE)
        return None if _NO_ERROR.match(words) else words
    return line[stamp.end() :].strip(_EDGE) if stamp[1] in ("ERROR", "CRITICAL") else None
