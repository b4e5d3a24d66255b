"""Whether hosts can boot on this machine: the steps of it that it may forbid are tried."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .cache import CACHE

NEEDED = ("systemd-nspawn", "debootstrap", "nsenter", "unshare", "ip", "ssh-keygen")
IN_ITS_OWN = ("unshare", "--mount", "--propagation=private", "sh", "-ec")
# What a step is, and a script whose first argument is an empty folder and second a free name.
STEPS = {
    "a mount namespace": "true",
    "an overlay of folders": """
        mkdir "$0/lower" "$0/upper" "$0/work" "$0/root"
        mount -t overlay overlay -o "lowerdir=$0/lower,upperdir=$0/upper,workdir=$0/work" "$0/root"
    """,
    "a cgroup": """
        for root in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup; do
            test ! -d "$root" || break
        done
        mkdir "$root/$1"
        rmdir "$root/$1"
    """,
    "a bridge": 'ip link add "$1" type bridge; ip link delete "$1"',
}


def why_not() -> str:
    """Why no host can boot here, empty where all that is tried works."""
    if os.getuid() != 0:
        return "NO LAB: booting hosts needs root"
    lacking = [tool for tool in NEEDED if shutil.which(tool) is None]
    if lacking:
        return f"NO LAB: {', '.join(lacking)} not found (tests/lab/README.md names the packages)"
    CACHE.mkdir(parents=True, exist_ok=True)
    refused = (f"NO LAB: {what} is refused: {said}" for what in STEPS if (said := _refused(what)))
    return next(refused, "")


def _refused(what: str) -> str:
    """What the step's program said, empty where it ended well."""
    with tempfile.TemporaryDirectory(prefix=".try-", dir=CACHE) as folder:
        name = f"lab-{os.getpid()}"
        argv = [*IN_ITS_OWN, STEPS[what], str(Path(folder)), name]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return (done.stderr.strip() or f"status {done.returncode}") if done.returncode else ""
