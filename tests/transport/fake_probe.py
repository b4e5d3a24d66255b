"""Small zips that speak the probe's stream, for phases that a real one passes too quickly."""

from __future__ import annotations

import io
import zipfile

_PRELUDE = """
import datetime, json, os, select, signal, sys, time
signal.alarm(0)
nonce = sys.argv[sys.argv.index("--stream") + 1]
now = lambda: datetime.datetime.now(datetime.timezone.utc).isoformat()
started = now()
def tell(**words):
    sys.stderr.write(json.dumps(words) + "\\n")
    sys.stderr.flush()
def step(name, done=1, of=2):
    tell(event="source", name=name, status="ok", done=done, of=of)
def begin():
    sys.stdout.write("\\n==preflight %s begin==\\n" % nonce)
    sys.stdout.flush()
def end():
    sys.stdout.write("\\n==preflight %s end==\\n" % nonce)
    sys.stdout.flush()
def deliver(**more):
    told = {"schema": "gpu-preflight/capture/1", "level": "look", "started": started,
            "finished": now(), "complete": True, "sources": {}, "probe": {"version": "fake"}}
    told.update(more)
    begin()
    sys.stdout.write(json.dumps(told))
    end()
def wait_for_end_of_input():
    while select.select([0], [], [], 10)[0] and os.read(0, 4096):
        pass
tell(event="start")
"""


def fake_probe(body: str) -> bytes:
    """A zip in the probe's shape whose work is the body, with the words of the stream before it."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("preflight/__init__.py", "preflight/probe/__init__.py"):
            archive.writestr(name, "")
        archive.writestr("preflight/probe/main.py", f"def main(argv): pass\n{_PRELUDE}{body}")
    return held.getvalue()


ANSWERS = fake_probe('step("one", 1, 2)\nstep("two", 2, 2)\ndeliver()\n')
# Holds the line until its input ends or falls silent for 10 s, as the real one does.
WAITS = fake_probe('step("waiting")\nwait_for_end_of_input()\n')
