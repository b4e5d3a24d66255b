"""When a server counts as outdated: its own programs, where /etc and /usr/local are the test's."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.roles.conftest import ROLES

# /etc and /usr/local are empty for this process alone.
ROOM = f"""
set -e
mkdir /tmp/programs-$$ && cp {ROLES}/vllm_service/files/vllm-* /tmp/programs-$$
mount -t tmpfs none /etc && mount -t tmpfs none /usr/local
mkdir -p /usr/local/lib /etc/vllm /etc/systemd/system /usr/local/vllm/0.32.0/bin /usr/local/run
mv /tmp/programs-$$ /usr/local/lib/vllm && chmod +x /usr/local/lib/vllm/*
cd /usr/local/vllm && ln -s /usr/local/vllm/0.32.0 current && touch current/.installed-a current/B
echo 'port: 1' >/etc/vllm/main.yaml && echo X=1 >/etc/vllm/main.env
echo secret >/etc/vllm/api-key
echo '[Unit]' >/etc/systemd/system/vllm@.service
printf '#!/bin/sh\\necho serve "$@" with $VLLM_API_KEY\\n' >current/bin/vllm
chmod +x current/bin/vllm
export CREDENTIALS_DIRECTORY=/etc/vllm RUNTIME_DIRECTORY=/usr/local/run
start() {{ /usr/local/lib/vllm/vllm-serve /usr/local/vllm main; }}
sum() {{ /usr/local/lib/vllm/vllm-fingerprint /usr/local/vllm main /etc/vllm/api-key; }}
start
"""
_TRY = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/usr/local"]
pytestmark = pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run(_TRY, capture_output=True).returncode != 0,
    reason="NO MOUNTS: fingerprints of servers were not compared",
)


def _run(script: str) -> list[str]:
    argv = ["unshare", "-m", "sh", "-c", ROOM + script]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_server_is_started_with_the_key_in_its_environment_only() -> None:
    (line,) = _run("")
    assert line == "serve serve --config /etc/vllm/main.yaml with secret"


@pytest.mark.parametrize(
    "change",
    [
        "echo 'port: 2' >/etc/vllm/main.yaml",
        "echo X=2 >/etc/vllm/main.env",
        "echo other >/etc/vllm/api-key",
        "echo '[Service]' >/etc/systemd/system/vllm@.service",
        "echo '#' >>/usr/local/lib/vllm/vllm-guard",
        "touch current/.installed-b",
        "cp -a 0.32.0 0.33.0; ln -sfn /usr/local/vllm/0.33.0 current",
    ],
)
def test_any_change_of_what_it_was_started_from_outdates_it(change: str) -> None:
    before, after = _run(f"cat /usr/local/run/started-from\n{change}\nsum")[1:]
    assert len(before) == 64
    assert before != after


def test_it_is_the_same_whoever_asks() -> None:
    script = "for one in C C.UTF-8 en_US.UTF-8 de_DE.UTF-8; do LC_ALL=$one sum; done"
    started, *asked = _run(f"cat /usr/local/run/started-from\n{script}")[1:]
    assert len(asked) == 4
    assert set(asked) == {started}
