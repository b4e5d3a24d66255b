"""What the probe is asked to do, by its arguments."""

from __future__ import annotations

import os

from preflight.probe.sources import LEVELS


class Refused(Exception):
    """The arguments are wrong."""


class Request:
    def __init__(self) -> None:
        self.level = "look"
        self.root = "/"
        self.sudo = False
        self.has_password = False
        self.stream = ""
        self.within = 0.0  # s; 0: as long as it takes
        self.while_in_use = False
        self.disk_write = False


def parse(argv: list[str]) -> Request:
    request = Request()
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if name in ("--level", "--root", "--stream", "--within"):
            value = value if equals else next(words, "")
            if not value:
                raise Refused(f"{name} needs a value")
            setattr(request, name[2:], value)
        elif word == "--sudo":
            request.sudo = True
        elif word in ("--while-in-use", "--disk-write"):
            setattr(request, word[2:].replace("-", "_"), True)
        elif word == "--sudo-password-stdin":
            request.sudo = request.has_password = True
        else:
            raise Refused(f"unknown argument {word}")
    if request.level not in LEVELS:
        raise Refused(f"level {request.level} is not there yet; there is {', '.join(LEVELS)}")
    if not os.path.isdir(request.root):
        raise Refused(f"--root {request.root} is no folder")
    request.root = os.path.abspath(request.root)
    if request.level == "measure" and request.root != "/":
        raise Refused("--level measure measures this host: it goes with no --root")
    request.within = seconds(request.within)
    return request


def seconds(text: float | str) -> float:
    """--within, a whole number of seconds."""
    if isinstance(text, str) and not (is_number(text) and 0 < int(text) < 86_400):
        raise Refused(f"--within {text}: a whole number of seconds, less than a day")
    return float(text)


def is_number(text: str) -> bool:
    """int() takes no other digits than these without fail, and not too many of them."""
    return text.isascii() and text.isdecimal() and len(text) <= 9
