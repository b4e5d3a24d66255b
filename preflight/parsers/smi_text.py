"""The text of plain nvidia-smi -q as a tree of fields: nesting is told by indentation alone.

Keys are padded to 28 columns (driver 352) up to 55 (580), and the same key ("Total", "Max")
stands under several headings.
"""

from __future__ import annotations

import re

from preflight.parsers.recording import table_lines
from preflight.parsers.smi_field import Field

_HEAD = re.compile(r"={5,40}NVSMI LOG={5,40}")
_GPU = re.compile(r"GPU ([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7])\s*(?::.{0,80})?$")
# Where a text may not break off: later fields of a process would be missing.
_HALF_PROCESS = re.compile(
    r"\s{0,200}(?:Processes\s{0,60}(?::\s{0,4})?"
    r"|(?:(?:GPU|Compute) instance ID|Process ID|Type|Name)\s{0,60}(?::.{0,4096})?)"
)
_OTHER = re.compile(r"[^a-z0-9]+")


def read(text: str) -> Field | None:
    """None where the text is none, lists no cards, or ends inside the last card."""
    if not _HEAD.search(text):
        return None
    lines = table_lines(text)
    heads = [i for i, line in enumerate(lines) if _HEAD.search(line)]
    if not heads:
        return None
    log = _tree(lines[heads[0] + 1 : heads[1] if len(heads) > 1 else None])
    if log.at("attached_gpus") is None:  # "-q -u" lists units, and none of them on a bare host
        return None
    gpus = [field for field in log.children if field.name == "gpu"]
    if _HALF_PROCESS.fullmatch(lines[-1]):
        return None
    # Every driver ends a card with its processes, or has them near the end.
    return None if gpus and gpus[-1].at("processes") is None else log


def _tree(lines: list[str]) -> Field:
    log = Field("log")
    path: list[tuple[int, Field]] = [(-1, log)]
    for line in lines:
        text = line.strip()
        indent = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        gpu = _GPU.match(text)
        if not text:
            continue
        if gpu:
            card = Field("gpu", "", [Field("id", gpu[1])])
            log.children.append(card)
            path = [(-1, log), (indent, card)]
            continue
        if len(path) > 1 and path[1][1].name == "gpu" and indent <= path[1][0]:
            break  # the next command's output
        key, _, value = text.partition(": ") if ": " in text else (text.removesuffix(":"), "", "")
        field = Field(_OTHER.sub("_", key.lower()).strip("_"), value.strip())
        while indent <= path[-1][0]:
            path.pop()
        path[-1][1].children.append(field)
        path.append((indent, field))
    return log
