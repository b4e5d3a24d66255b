"""The probe's run: arguments in, one capture on stdout, progress on stderr."""

from __future__ import annotations

import os
import signal
import sys
import time

from preflight import __version__
from preflight.probe.found import found
from preflight.probe.loop import Loop, Stopped
from preflight.probe.request import Refused, Request, parse
from preflight.probe.sources import LEVELS, SOURCES
from preflight.probe.stream import (
    ControllerWatch,
    framed,
    read_password,
    write_out,
    write_progress,
)
from preflight.probe.sudo import Sudo
from preflight.probe.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA = "gpu-preflight/capture/1"
OVER_S = 30.0  # beyond --within, for reading the counters again
USAGE = """usage: python3 probe.pyz [--level LEVEL] [--sudo] [--root DIR] > capture.json

  --level LEVEL            how much to do: look (the default) only reads, measure puts the cards
                           under load for about a minute
  --within SECONDS         fit the measuring into this time; what is dropped is said
  --while-in-use           measure cards that others compute on, too
  --disk-write             write a temporary file to read where there is no large one
  --sudo                   sources that need root go through sudo -n, where it allows them
  --sudo-password-stdin    sudo's password is the first line of stdin
  --root DIR               read a mounted image instead of this host
  --stream NONCE           frame the capture, and end with the one who sends stdin
"""


def main(argv: list[str]) -> int:
    has_stdout = secure_streams()
    if argv in (["--help"], ["-h"]):
        os.write(1, USAGE.encode())
        return 0
    try:
        if not has_stdout:
            raise Refused("stdout is closed, and the capture is written there")
        return run(parse(argv))
    except Refused as error:
        say(str(error))
        return 2
    except Stopped as stopped:
        say(f"stopped: {stopped}")
        return stopped.exit_status


def say(words: str) -> None:
    try:
        os.write(2, f"probe: {words}\n".encode("utf-8", "backslashreplace"))
    except OSError:  # stderr is broken: nobody is there to be told
        return


def secure_streams() -> bool:
    """Is stdout open? cron and the like may close a stream, and the next file takes its number."""
    is_open = []
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
            is_open.append(True)
        except OSError:  # EBADF
            os.open(os.devnull, os.O_RDWR)
            is_open.append(False)
    return is_open[1]


def run(request: Request) -> int:
    started = time.time()
    tree = Tree(request.root)
    uid = user_id(tree)
    password = read_password() if request.has_password else b""
    signal.alarm(0)  # the bootstrap's limit for the upload, the password with it
    sudo = Sudo(tree, uid == 0, request.sudo, password)
    limit_s = LEVELS[request.level]
    if request.within:
        limit_s = LEVELS["look"] + request.within + OVER_S
    loop = Loop(tree, sudo, limit_s, progress)
    if request.stream:
        ControllerWatch(loop)
    sources = (*SOURCES, *found(tree))
    results = loop.run(sources)
    names = [source.name for source in sources]
    measured = {}
    if request.level == "measure":
        from preflight.probe.measuring import measure

        measured["measurements"], after = measure(loop, request, results)
        names += after
    finished = time.time()
    capture = {
        "schema": SCHEMA,
        "level": request.level,
        "started": stamp(started),
        "finished": stamp(finished),
        "complete": not loop.gave_up,
        "probe": {
            "version": __version__,
            "python": "{}.{}.{}".format(*sys.version_info[:3]),
            "user": user_name(tree, uid),
            "uid": uid,
            "sudo": sudo.worked,
            "duration_s": round(finished - started, 3),
            **({"stopped": "deadline"} if loop.gave_up else {}),
        },
        "sources": {name: results[name] for name in names},
        **measured,
    }
    data = as_json(capture) + b"\n"
    write_out(framed(data, request.stream) if request.stream else data, loop)
    return 0


def as_json(value: Any) -> bytes:
    """One line. json is loaded late: it takes 10 ms, and the first tools start before it."""
    import json

    return json.dumps(value, separators=(",", ":")).encode()


def progress(event: str, **values: Any) -> None:
    write_progress(as_json({"event": event, **values}) + b"\n")


def stamp(seconds: float) -> str:
    """RFC 3339 in UTC, milliseconds."""
    whole, thousandths = divmod(int(seconds * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{thousandths:03d}Z"


def user_id(tree: Tree) -> int:
    """Whose eyes the host is seen with; a mounted image says it in its own /proc."""
    if not tree.root:
        return os.geteuid()
    try:
        lines = tree.read("/proc/self/status").decode("utf-8", "replace").split("\n")
    except OSError:  # an image without /proc is read by whoever runs the probe
        return os.geteuid()
    for line in lines:
        if line.startswith("Uid:"):
            return int(line.split()[2])
    return os.geteuid()


def user_name(tree: Tree, uid: int) -> str:
    """From /etc/passwd; a name service could hang, so a directory's user is what login set."""
    try:
        lines = tree.read("/etc/passwd").decode("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    for line in lines:
        fields = line.split(":")
        if len(fields) > 2 and fields[2] == str(uid):
            return fields[0]
    return "" if tree.root else os.environ.get("LOGNAME", "")
