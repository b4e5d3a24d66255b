"""python3 of a simulated host: simulated_python.py ROOT, in place of `python3 -I -S -c …`.

What comes in over SSH is the controller's very line and the very probe; only that the probe looks
at ROOT, a tree that preflight/demo wrote, and that NVML answers what was recorded there.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

LAUNCHER = Path(__file__).parents[2] / "preflight" / "demo" / "launcher.py"
CALL = b"main(sys.argv[1:])"


def launcher() -> object:
    spec = importlib.util.spec_from_file_location("launcher", LAUNCHER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    root = sys.argv[1]
    simulated = launcher()
    stage = json.loads(Path(root, simulated.STAGE).read_text())  # type: ignore[attr-defined]
    simulated.simulate_nvml(stage["nvml"])  # type: ignore[attr-defined]
    simulated.simulate_errors(root, stage["errors"])  # type: ignore[attr-defined]
    sys.simulated_root = ["--root", root]  # type: ignore[attr-defined]
    line = sys.stdin.buffer.readline()
    assert CALL in line
    exec(line.replace(CALL, b"main(sys.argv[1:] + sys.simulated_root)"))
