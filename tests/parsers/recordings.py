"""The recordings of the corpus, sorted by the kinds that they may be read as."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEPARATOR = "\n" + "_" * 44 + "\n"
_H200 = {
    "topo-m.txt": "topo",
    "topo-mp.txt": "topo",
    "q.xml": "smi",
    "q.txt": "smi",
    "dmesg.txt": "kernel",
}
_SECTIONS = {
    "dmesg:": "kernel",
    "Scanning kernel log files": "kernel",
    "nvidia-smi --query": "smi",
    "lspci -nnDvvvxxx": "lspci",
    'lspci -d "10': "lspci",
    "lspci -nn": "lspci",
}


@dataclass(frozen=True)
class Recording:
    name: str
    kind: str  # "" where it is of no kind that has a parser
    data: bytes
    expected: dict[str, Any] | None = None


def all_recordings(corpus: Path) -> Iterator[Recording]:
    captures = corpus / "captures"
    for path in sorted((captures / "public").glob("*/*")):
        if not path.name.endswith(".expect.json"):
            wanted = path.with_suffix(".expect.json")
            expected = json.loads(wanted.read_text()) if wanted.exists() else None
            name = f"{path.parent.name}/{path.name}"
            yield Recording(name, path.parent.name, path.read_bytes(), expected)
    for path in sorted((captures / "h200x2").rglob("*.*")):
        kind = _H200.get(path.name, "p2p" if path.name.startswith("topo-p2p") else "")
        yield Recording(f"h200x2/{path.parent.name}/{path.name}", kind, path.read_bytes())
    for path in sorted((captures / "vllm-0.22.1").glob("*.log")):
        yield Recording(f"vllm/{path.name}", "vllm-log", path.read_bytes())
    for path in sorted((captures / "bug-reports").glob("*.gz")):
        yield from _bug_report(path)


def _bug_report(path: Path) -> Iterator[Recording]:
    text = gzip.decompress(path.read_bytes()).decode(errors="replace")
    for number, section in enumerate(text.split(SEPARATOR)):
        heading = next((line for line in section.splitlines() if line.strip()), "")
        kind = next((kind for words, kind in _SECTIONS.items() if words in heading), "")
        if "lspci -nntv" in heading:
            kind = ""
        yield Recording(f"{path.name}#{number} {heading[:60]}", kind, section.encode())
