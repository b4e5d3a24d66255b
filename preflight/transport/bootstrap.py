"""The one line that brings the probe into a waiting Python on the host.

The host runs `exec python3 -I -S -c "import sys;exec(sys.stdin.buffer.readline())"`. This line,
the probe's bytes and then whatever the probe is to read follow on its standard input. Nothing is
left behind: the zip lies in memory, or, where the kernel refuses that, in a file without a name.
"""

from __future__ import annotations

from collections.abc import Sequence

UPLOAD_S = 120  # for the whole upload; a cut network sends no end of file

# Runs in Python 3.0 and newer, so that an old one can say that it is too old.
_SOURCE = """\
import sys
def refuse(words):
    sys.stderr.write('{"event": "refused", "detail": "' + words + '"}\\n')
    sys.exit(2)
if sys.version_info < (3, 8):
    refuse("the probe needs Python 3.8 or newer, this is " + sys.version.split()[0])
import os, signal
signal.alarm(UPLOAD_S)
try:
    held = os.memfd_create("probe")
except (OSError, AttributeError):
    import tempfile
    kept = tempfile.TemporaryFile()
    held = kept.fileno()
left = SIZE
while left:
    data = sys.stdin.buffer.read(min(left, 65536))
    if not data:
        refuse("the probe was cut off on its way, %d bytes are missing" % left)
    left -= len(data)
    while data:
        data = data[os.write(held, data):]
path = "/proc/self/fd/%d" % held
sys.argv = [path] + ARGV
sys.path.insert(0, path)
from preflight.probe.main import main
sys.exit(main(sys.argv[1:]))
"""


def bootstrap(size: int, argv: Sequence[str]) -> bytes:
    """One line of Python that reads `size` bytes of zip from stdin and runs it with `argv`."""
    source = _SOURCE.replace("UPLOAD_S", str(UPLOAD_S)).replace("SIZE", str(size))
    return f"exec({source.replace('ARGV', ascii(list(argv)))!r})\n".encode("ascii")
