"""The command line with another project: `python -m tests.deploy.command FOLDER deploy tp2 …`."""

from __future__ import annotations

import sys
from pathlib import Path

from preflight.cli import main
from preflight.deploy import project

if __name__ == "__main__":
    project.CHECKOUT = Path(sys.argv[1])
    main(sys.argv[2:])
