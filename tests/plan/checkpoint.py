"""Small safetensors files, as a checkpoint has them."""

from __future__ import annotations

import json


def safetensors(sizes: dict[str, int]) -> bytes:
    """A whole file with tensors of so many bytes, in bf16."""
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, size in sizes.items():
        entries[name] = {"dtype": "BF16", "shape": [size // 2], "data_offsets": [end, end + size]}
        end += size
    header = json.dumps(entries).encode()
    return len(header).to_bytes(8, "little") + header + bytes(end)
