"""What a checkpoint's weights weigh, by the headers of its safetensors files.

A header is JSON behind eight bytes of its length; the weights themselves are not read. Only what
vLLM loads is counted: layers that predict further tokens stand in some checkpoints besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from preflight.errors import UsageError

_LENGTH_BYTES = 8
_MOST_HEADER = 100_000_000  # the format's own limit
_MOST_FILES = 4096
_LAYER = re.compile(r"(?:^|\.)layers\.(\d{1,6})\.")
_INDEX = "model.safetensors.index.json"


class _Tensor(msgspec.Struct):
    data_offsets: tuple[int, int]


def folder_bytes(folder: Path, layers: int) -> int | None:
    """Of the weights in a folder; None where it holds no safetensors, UsageError for torn ones."""
    paths = _paths(folder)
    if not paths:
        return None
    sizes = ((name, size) for path in paths for name, size in _sizes(path).items())
    return loaded_bytes(sizes, layers)


def loaded_bytes(tensors: Iterable[tuple[str, int]], layers: int) -> int:
    """Sum over those that vLLM loads, of a model with that many layers."""
    return sum(size for name, size in tensors if _is_loaded(name, layers))


def _is_loaded(name: str, layers: int) -> bool:
    if name.startswith("mtp.") or name.endswith("rotary_emb.inv_freq"):
        return False
    match = _LAYER.search(name)
    return match is None or "vis" in name[: match.start()] or int(match[1]) < layers


def _paths(folder: Path) -> list[Path]:
    """The files that make the checkpoint: those of its index, else all, and no second copy."""
    index = folder / _INDEX
    if index.is_file():
        named = _index_names(index)
        missing = [name for name in named if not (folder / name).is_file()]
        if missing:
            raise UsageError(
                f"{folder}: {len(missing)} of {len(named)} weight files are not there,"
                f" {missing[0][:60]} first",
                "fetch the whole checkpoint, or name a folder that holds config.json alone",
            )
        return [folder / name for name in named]
    found = sorted(folder.glob("*.safetensors"))[:_MOST_FILES]
    plain = [path for path in found if not path.name.startswith("consolidated")]
    return plain or found


def _index_names(index: Path) -> list[str]:
    try:
        document: Any = msgspec.json.decode(index.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{index}: cannot be read: {error}") from error
    listed = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(listed, dict) or not all(isinstance(n, str) for n in listed.values()):
        raise UsageError(f"{index}: no index of safetensors files")
    names = sorted(set(listed.values()))
    if len(names) > _MOST_FILES or any("/" in name or name.startswith(".") for name in names):
        raise UsageError(f"{index}: names files outside its folder, or too many of them")
    return names


def _sizes(path: Path) -> Mapping[str, int]:
    """Bytes of each tensor of a file; UsageError for a torn file or a pointer to one."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if not 2 <= length <= min(_MOST_HEADER, size - _LENGTH_BYTES):
            raise _torn(path)
        header = file.read(length)
    sizes = sizes_of(header, path)
    if _LENGTH_BYTES + length + sum(sizes.values()) > size:
        raise _torn(path)
    return sizes


def sizes_of(header: bytes, path: Path) -> Mapping[str, int]:
    """Bytes of each tensor by a header's JSON."""
    try:
        entries = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        entries.pop("__metadata__", None)
        tensors = {
            name: msgspec.json.decode(raw, type=_Tensor).data_offsets
            for name, raw in entries.items()
        }
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _torn(path) from error
    if any(not 0 <= start <= end for start, end in tensors.values()):
        raise _torn(path)
    return {name: end - start for name, (start, end) in tensors.items()}


def _torn(path: Path) -> UsageError:
    return UsageError(
        f"{path}: no whole safetensors file",
        "fetch it again; a pointer of git-lfs holds no weights",
    )
