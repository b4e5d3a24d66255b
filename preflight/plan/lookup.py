"""The model that a person names: a folder or file, a name of the catalogue, or one on the hub."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from preflight.catalog import models as catalogue
from preflight.errors import UsageError
from preflight.plan import hub, safetensors
from preflight.plan.fields import HINT, MAX_BYTES
from preflight.plan.reading import read
from preflight.plan.shapes import GIB, Model
from preflight.plan.weights import stored_bytes

_CONFIG, _QUANTISED = "config.json", "hf_quant_config.json"
_REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}(?:@[\w./-]{1,200})?")
_APART = 0.03  # of measured and declared weights; more is said


def find(name: str) -> Model:
    """The model of that name; UsageError, with what is near, where there is none.

    `owner/name`, `owner/name@revision` too, is asked of the hub where the catalogue has it not;
    Unreachable where the hub does not answer.
    """
    model = known(name)
    if model is not None:
        return model
    if _REPOSITORY.fullmatch(name):
        found = hub.fetch(name)
        model = read(found.config, name.partition("@")[0], found.quantised)
        return replace(_weighed(model, found.weight_sizes), revision=found.revision)
    near = catalogue.near(name)
    hint = f"did you mean {', '.join(near)}? {HINT}" if near else HINT
    raise UsageError(f"no model {name[:80]!r}", hint)


def known(name: str) -> Model | None:
    """The model of that name without asking anybody; None where it is neither here nor listed."""
    path = Path(name)
    is_path = "/" in name or name.endswith(".json") or name in (".", "..")
    entry = catalogue.model(name)
    try:
        exists = path.exists()
    except (OSError, ValueError):  # longer than a path can be, or with a NUL
        exists = False
    if exists and (is_path or entry is None):
        return _from_path(path)
    if entry is not None:
        return read(json.dumps(entry.config), entry.name)
    if is_path and (name.startswith((".", "/", "~")) or name.endswith(".json")):
        raise UsageError(f"{name[:200]}: there is no such file or folder", HINT)
    return None


def _from_path(path: Path) -> Model:
    folder = path if path.is_dir() else path.parent
    config = path / _CONFIG if path.is_dir() else path
    quantised = folder / _QUANTISED
    beside = _text(quantised) if quantised.is_file() else None
    name = folder.resolve().name if config.name == _CONFIG else path.name
    model = read(_text(config), name, beside)
    measured = safetensors.folder_bytes(folder, len(model.layers)) if path.is_dir() else None
    return replace(model, measured_bytes=measured, notes=model.notes + _told(model, measured))


def _weighed(model: Model, sizes: dict[str, int] | None) -> Model:
    if sizes is None:
        return model
    measured = safetensors.loaded_bytes(sizes.items(), len(model.layers))
    return replace(model, measured_bytes=measured, notes=model.notes + _told(model, measured))


def _told(model: Model, measured: int | None) -> tuple[str, ...]:
    declared = stored_bytes(model)
    if measured is None or abs(measured - declared) <= _APART * declared:
        return ()
    words = (
        f"its weights are {measured / GIB:.2f} GiB, its config makes {declared / GIB:.2f} of them"
    )
    return (f"{words}: the weights are counted",)


def _text(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", HINT) from error
