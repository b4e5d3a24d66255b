"""What a host is asked to be judged for: a layout, and the units that are its owner's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from preflight import layout as layouts
from preflight.errors import UsageError
from preflight.layout import Layout

_UNIT = re.compile(r"[A-Za-z0-9:_.\\-]{1,200}(?:@[A-Za-z0-9:_.\\-]{0,200})?\.service")
_MAX_MODEL = 512


@dataclass(frozen=True)
class Purpose:
    """`model` is a name, folder or repository, as `preflight plan` takes it."""

    layout: Layout | None = None
    model: str | None = None
    own_units: tuple[str, ...] = ()  # "vllm@main.service"; "vllm@.service" is each instance of it


NOTHING_ASKED = Purpose()


def purpose(use: str | None, own_units: tuple[str, ...] = ()) -> Purpose:
    """From `LAYOUT[:MODEL]` and names of units; UsageError where one is none."""
    for unit in own_units:
        if not _UNIT.fullmatch(unit):
            raise UsageError(
                f"no unit {unit[:80]!r}",
                "a unit is vllm@main.service; vllm@.service is each instance of that template",
            )
    if use is None:
        return Purpose(own_units=own_units)
    name, colon, model = use.partition(":")
    if colon and (not model.strip() or len(model) > _MAX_MODEL or not model.isprintable()):
        raise UsageError(f"--for {use[:80]!r}: no model after the colon", "--for LAYOUT:MODEL")
    return Purpose(layouts.parse(name), model or None, own_units)
