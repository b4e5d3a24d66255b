"""The roles' templates, rendered once by Ansible itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROLES = ROOT / "roles"
HOME = {"PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}

SERVICES = [
    {"name": "chat", "port": 8443, "servers": ["127.0.0.1:8001", "127.0.0.1:8002"]},
    {"name": "embed", "port": 8444, "servers": ["127.0.0.1:8003"], "runner": "pooling"},
]
PAIR = {
    "name": "main",
    "model": "tiny",
    "port": 8001,
    "gpus": [0, 1],
    "tensor_parallel_size": 2,
    "max_model_len": 256,
    "config": {"enforce-eager": True, "compilation_config": {"mode": 1}, "dtype": None},
    "env": {"WORD": 'a "quoted" one'},
}
UNIT = "load_balancer/templates/load-balancer.service.j2"
RENDERINGS: list[dict[str, object]] = [
    {"name": "vllm@.service", "template": "vllm_service/templates/vllm@.service.j2"},
    {"name": "vllm-model@.service", "template": "vllm/templates/vllm-model@.service.j2"},
    {
        "name": "nvidia-devices.service",
        "template": "nvidia_driver/templates/nvidia-devices.service.j2",
    },
    {"name": "caddy/load-balancer.service", "template": UNIT},
    {"name": "nginx/load-balancer.service", "template": UNIT, "backend": "nginx"},
    {
        "name": "privileged/load-balancer.service",
        "template": UNIT,
        "services": [{**SERVICES[0], "port": 443}],
    },
    *(
        {"name": f"{file}{name}", "template": f"load_balancer/templates/{file}.j2", **told}
        for file in ("Caddyfile", "nginx.conf")
        for name, told in {
            "": {},
            "-round-robin": {"policy": "round_robin"},
            "-one-drained": {"drained": ["127.0.0.1:8001"]},
            "-all-drained": {"drained": ["127.0.0.1:8001", "127.0.0.1:8002"]},
        }.items()
    ),
    {"name": "api-key.caddy", "template": "load_balancer/templates/api-key.caddy.j2"},
    {"name": "api-key.nginx", "template": "load_balancer/templates/api-key.nginx.j2"},
    *(
        {"name": f"{name}.{kind}", "template": f"vllm_service/templates/instance.{kind}.j2", **told}
        for kind in ("yaml", "env")
        for name, told in {
            "pair": {"instance": PAIR},
            "pair-with-peers": {"instance": PAIR, "peer_access": True},
            "stages": {
                "instance": {**PAIR, "tensor_parallel_size": 1, "pipeline_parallel_size": 2}
            },
            "single": {"instance": {**PAIR, "gpus": [1], "tensor_parallel_size": 1}},
        }.items()
    ),
]


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what Ansible makes of each template."""
    folder = tmp_path_factory.mktemp("rendered")
    for name in ("caddy", "nginx", "privileged"):
        (folder / name).mkdir()
    told = folder / "told.json"
    told.write_text(
        json.dumps(
            {
                "roles": str(ROLES),
                "folder": str(folder),
                "services": SERVICES,
                "renderings": RENDERINGS,
            }
        )
    )
    done = play(folder, Path(__file__).with_name("render.yml"), "-e", f"@{told}")
    assert done.returncode == 0, done.stdout
    return folder


def play(
    home: Path, playbook: Path, *options: str, started_in: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """ansible-playbook on this machine alone, as it is installed beside the tests."""
    return subprocess.run(
        ["ansible-playbook", "-i", "localhost,", *options, str(playbook)],
        cwd=started_in,
        env={**HOME, "HOME": str(home), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"}
        | {"ANSIBLE_ASYNC_DIR": str(home / "jobs")}  # else in the home that passwd names
        | {"ANSIBLE_FILTER_PLUGINS": str(ROLES / "vllm_service/filter_plugins")}
        | {name: os.environ[name] for name in ("TMPDIR",) if name in os.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        umask=0o077,  # as on hosts that were hardened
    )
