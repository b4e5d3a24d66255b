"""Builds preflight/probe.pyz, the zip that goes to a host; `python hatch_build.py [OUT]` by hand.

The same sources give the same bytes (names sorted, times fixed, zlib's own level 9). Of the pinned
NVML binding only what the probe names is kept: the whole of it takes 100 ms to compile at each run.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
PROBE = "preflight/probe.pyz"
BINDING = ("nvidia-ml-py", "13.615.71")
MAX_BYTES = 250_000
EPOCH = (1980, 1, 1, 0, 0, 0)
MAIN = b"""import os
import sys

if sys.version_info < (3, 8):
    sys.exit("probe: needs Python 3.8 or newer, this is " + sys.version.split()[0])

# Children look into the zip again from another folder.
sys.path[0] = os.path.abspath(sys.path[0])
from preflight.probe.main import main

sys.exit(main(sys.argv[1:]))
"""


def build(out: Path, root: Path = ROOT) -> Path:
    """Write the probe to `out`. SystemExit where the binding is another version or too much."""
    probe = sorted((root / "preflight/probe").glob("*.py"))
    members = {f"preflight/probe/{path.name}": path.read_bytes() for path in probe}
    for path in sorted((root / "preflight/probe/ptx").glob("*.ptx")):
        members[f"preflight/probe/ptx/{path.name}"] = path.read_bytes()
    members["preflight/__init__.py"] = (root / "preflight/__init__.py").read_bytes()
    members["pynvml.py"] = trimmed(binding_source(), probe).encode()
    members["__main__.py"] = MAIN
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in sorted(members.items()):
            archive.writestr(member(name), data)
    if out.stat().st_size >= MAX_BYTES:
        raise SystemExit(f"{out}: {out.stat().st_size} bytes, more than {MAX_BYTES}")
    return out


def member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.create_system = 3  # Unix, also where it is built on another system
    info.external_attr = 0o644 << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def binding_source() -> str:
    name, pinned = BINDING
    found = importlib.metadata.version(name)
    if found != pinned:
        raise SystemExit(f"{name} {found}: the probe is built with {pinned} alone")
    spec = importlib.util.find_spec("pynvml")
    if spec is None or spec.origin is None:
        raise SystemExit(f"{name} {found} holds no module pynvml")
    return Path(spec.origin).read_text(encoding="utf-8")


def trimmed(source: str, users: list[Path]) -> str:
    """The licence and the statements of `source` that `users` need, directly or through others."""
    lines = source.splitlines(keepends=True)
    statements = ast.parse(source).body
    definers: dict[str, list[ast.stmt]] = {}
    for statement in statements:
        for name in defined(statement):
            definers.setdefault(name, []).append(statement)
    wanted = [name for path in users for name in named(ast.parse(path.read_bytes()))]
    # The binding makes its error classes from all names that begin so.
    wanted += [name for name in definers if name.startswith("NVML_ERROR_")]
    kept = {id(statement): statement for statement in statements if always(statement)}
    wanted += [name for statement in kept.values() for name in named(statement)]
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        for statement in definers.get(name, []):
            kept[id(statement)] = statement
            wanted += named(statement)
    body = [text(lines, statement) for statement in statements if id(statement) in kept]
    return licence(lines) + "\n" + "".join(body)


def defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name for alias in statement.names]
    return []


def named(tree: ast.AST) -> Iterator[str]:
    """Every identifier in it, and every text: the probe's table of calls holds names as texts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def always(statement: ast.stmt) -> bool:
    """Star imports, and what the module does when it is loaded."""
    if isinstance(statement, ast.ImportFrom):
        return statement.names[0].name == "*"
    return isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Constant)


def text(lines: list[str], statement: ast.stmt) -> str:
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno] + [decorator.lineno for decorator in decorators])
    return "".join(lines[first - 1 : statement.end_lineno])


def licence(lines: list[str]) -> str:
    """The comment at the head of the file."""
    end = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return "".join(lines[:end])


def get_build_hook() -> Any:
    """Hatchling's way in; it is not needed to build by hand."""
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class ProbeHook(BuildHookInterface):  # type: ignore[type-arg]
        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            build(Path(self.root) / PROBE, Path(self.root))

    return ProbeHook


if __name__ == "__main__":
    built = build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / PROBE)
    print(f"{built}: {built.stat().st_size} bytes")
