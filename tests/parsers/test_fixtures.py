"""Every recording beside this file gives the JSON beside it, or is refused where .error lies.

They are written by hand, after what the tools print; a name that tells a machine is of a real one.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from preflight import parsers
from preflight.errors import NotThisKind

HERE = Path(__file__).parent
RECORDINGS = sorted(path for kind in parsers.KINDS for path in (HERE / kind).glob("*.txt"))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_recording(path: Path, rewrite: bool) -> None:
    kind, data = path.parent.name, path.read_bytes()
    if path.with_suffix(".error").exists():
        with pytest.raises(NotThisKind, match=parsers.parser(kind).EXPECTED.split("(")[0]):
            parsers.parse(kind, data)
        return
    facts, wanted = parsers.parse(kind, data), path.with_suffix(".json")
    if rewrite:
        wanted.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    assert facts == json.loads(wanted.read_text())


def test_every_kind_has_recordings_of_both_sorts() -> None:
    for kind in parsers.KINDS:
        folder = HERE / kind
        assert list(folder.glob("*.json")), kind
        assert list(folder.glob("*.error")), kind
