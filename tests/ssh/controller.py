"""A controller of its own, to be killed: `python -m tests.ssh.controller PROBE HOST…`."""

from __future__ import annotations

import sys
from pathlib import Path

from preflight.errors import PreflightError
from preflight.transport import Request, fetch_all
from tests.transport.told import Told

if __name__ == "__main__":
    probe, *hosts = sys.argv[1:]
    try:
        results = fetch_all(hosts, Request(), Told(), Path(probe).read_bytes())
    except KeyboardInterrupt:
        sys.exit(130)
    for found in results:
        print(f"{type(found).__name__}: {found}" if isinstance(found, PreflightError) else "read")
