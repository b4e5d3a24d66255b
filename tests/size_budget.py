"""Holds the package to its size: median <= 120 lines, nine of ten <= 300, functions <= 60."""

from __future__ import annotations

import ast
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "preflight"
MEDIAN, NINE_OF_TEN, FUNCTION = 120, 300, 60
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}


def main() -> int:
    files = sorted(p for p in ROOT.rglob("*.py") if p.name != "__init__.py" or p.stat().st_size)
    lines = {p: len(p.read_text().splitlines()) for p in files}
    problems = [f"{p}: a name that says nothing" for p in files if p.stem in NO_NAMES]
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION:
                    problems.append(f"{path}:{node.lineno}: {node.name} has {length} lines")
    median = statistics.median(lines.values())
    if median > MEDIAN:
        problems.append(f"median module has {median} lines, budget {MEDIAN}")
    large = [p for p, n in lines.items() if n > NINE_OF_TEN]
    if len(large) * 10 > len(files):
        problems += [f"{p}: {lines[p]} lines, over {NINE_OF_TEN}" for p in large]
    print(f"{len(files)} modules, median {median:g} lines, {len(large)} over {NINE_OF_TEN}")
    print("\n".join(problems))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
