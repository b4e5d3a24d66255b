"""The XML of nvidia-smi -q -x as a tree of fields, read without a DTD and without entities."""

from __future__ import annotations

import re
from xml.parsers import expat

from preflight.parsers.recording import without_prefixes
from preflight.parsers.smi_field import Field

_MAX_DEPTH = 16  # the deepest that v13 goes is 6
_START, _END = "<nvidia_smi_log", "</nvidia_smi_log>"
_PROCESS_NAME = re.compile(r"(<process_name>)([^\n]{0,4096}?)(</process_name>)")


class _Refused(Exception):
    """A document that nvidia-smi does not write."""


def read(text: str) -> Field | None:
    """None where the text is no complete document.

    Only the part from the root's first tag on reaches the XML parser, so a DOCTYPE (the tool
    names one) is never read; one that declares entities is refused.
    """
    if _START not in text:
        return None
    text = "\n".join(without_prefixes(text.split("\n")))
    start = text.find(_START)
    end = text.find(_END, start)
    if start < 0 or end < 0 or "<!ENTITY" in text[:start]:
        return None
    document = text[start : end + len(_END)]
    # Drivers differ in whether they escape a process's command line.
    return _tree(document) or _tree(_PROCESS_NAME.sub(_escaped, document))


def _escaped(match: re.Match[str]) -> str:
    name = match[2].replace("&", "&amp;").replace("<", "&lt;")
    return f"{match[1]}{name}{match[3]}"


def _tree(document: str) -> Field | None:
    root = Field("")
    path = [root]

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(path) > _MAX_DEPTH:
            raise _Refused
        element = Field(name)
        if "id" in attributes:
            element.children.append(Field("id", attributes["id"]))
        path[-1].children.append(element)
        path.append(element)

    def end(_: str) -> None:
        path[-1].value = path[-1].value.strip()
        path.pop()

    def data(text: str) -> None:
        path[-1].value += text if len(path[-1].value) < 4096 else ""

    def refuse(*_: object) -> None:
        raise _Refused

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, _Refused):
        return None
    return root.children[0]
