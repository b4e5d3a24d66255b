"""A real vLLM of this machine, built for its CPU, from the lab's folder of wheels.

Its own parser is asked whether it takes what a plan prints. Nothing is downloaded: without the
lab's wheels there is none.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lab.cache import CACHE, made, run

# Run by vLLM's own interpreter: paths of --config files in, what it makes of each out.
_ASK = """
import json, sys
from vllm import envs
from vllm.config.model import _FLOAT16_NOT_SUPPORTED_MODELS
from vllm.model_executor.layers.quantization import QUANTIZATION_METHODS
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = make_arg_parser(FlexibleArgumentParser())
answers = []
for path in json.loads(sys.stdin.read()):
    try:
        taken = parser.parse_args(["--config", path])
        answers.append({name: repr(value) for name, value in vars(taken).items()})
    except SystemExit:
        answers.append(None)
told = {"settings": answers, "variables": sorted(envs.environment_variables)}
told["names"] = sorted({name for one in parser._actions for name in one.option_strings})
told["quantisations"] = QUANTIZATION_METHODS
told["without_float16"] = sorted(_FLOAT16_NOT_SUPPORTED_MODELS)
print(json.dumps(told))
"""


def interpreter() -> Path | None:
    """The Python that has it, installed once; None without the lab's wheels."""
    wheels = sorted(CACHE.glob("wheels-*"))
    if not wheels or sys.version_info[:2] != (3, 11):
        return None

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", folder)
        # a machine's own constraints may refuse the lab's empty wheels
        own = ("env", "-u", "PIP_CONSTRAINT", "PIP_CONFIG_FILE=/dev/null", folder / "bin/python")
        run(*own, *("-m", "pip", "install", "--no-index", "--find-links", wheels[0], "vllm"))

    return made("vllm", f"1 {wheels[0].name}", install) / "bin/python"


def ask(python: Path, configs: Sequence[Path]) -> dict[str, Any]:
    """`settings`: of each file what vLLM takes it for, None where it refuses it.

    Beside them the `names` of all its settings, of its `variables`, of its `quantisations`, and of
    the architectures that it runs `without_float16`.
    """
    done = subprocess.run(
        [python, "-c", _ASK],
        input=json.dumps([str(path) for path in configs]),
        capture_output=True,
        text=True,
        env={"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told
