"""Variables for a play, each in a file that only its owner may read: an argument is seen by all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from preflight.errors import UsageError


def files(folder: Path, own: Mapping[str, Any], given: Sequence[str]) -> list[Path]:
    """Files in the order in which they hold: a later one goes before.

    `given` are as Ansible takes them: KEY=VALUE, a mapping in braces, or @FILE.
    """
    return [_written(folder / "own.json", own), *(_file(folder, n, g) for n, g in enumerate(given))]


def _file(folder: Path, number: int, given: str) -> Path:
    if given.startswith("@"):
        path = Path(given[1:]).expanduser().absolute()
        if not path.is_file():
            raise UsageError(f"-e {given}: no such file")
        return path
    return _written(folder / f"given-{number}.json", _mapping(given))


def _mapping(given: str) -> Mapping[str, Any]:
    if given.lstrip().startswith("{"):
        try:
            told = yaml.load(given, yaml.CSafeLoader)
        except yaml.YAMLError as error:
            raise UsageError(f"-e {given[:40]!r}: not a mapping") from error
        if isinstance(told, dict):
            return told
    key, sign, value = given.partition("=")
    if not sign or not key.isidentifier():
        raise UsageError(f"-e {given[:40]!r}", "a variable is KEY=VALUE, {mapping} or @FILE")
    return {key: value}


def _written(path: Path, values: Mapping[str, Any]) -> Path:
    path.touch(mode=0o600)
    path.write_text(json.dumps(values, default=str))
    return path
