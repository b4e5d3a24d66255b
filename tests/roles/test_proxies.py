"""The proxies' configurations as the real programs read them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

VARIANTS = ("", "-round-robin", "-one-drained", "-all-drained")


def lacks(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        shutil.which(program, path="/usr/sbin:/usr/bin") is None,
        reason=f"NO {program.upper()}: its configuration was not read by it",
    )


def here(rendered: Path, name: str, folder: Path) -> Path:
    """The configuration with its folders moved to where a test may write."""
    text = (rendered / name).read_text()
    for old, new in {
        "/etc/load-balancer/api-key": f"{rendered}/api-key",
        "/var/lib/load-balancer": str(folder),
        "/var/cache/load-balancer": str(folder),
        "/run/load-balancer": str(folder),
    }.items():
        text = text.replace(old, new)
    path = folder / "configuration"
    path.write_text(text)
    return path


def _run(folder: Path, *argv: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    return subprocess.run(argv, capture_output=True, text=True, env=environment)


@lacks("caddy")
@pytest.mark.parametrize("variant", VARIANTS)
def test_caddy_takes_its_file(rendered: Path, tmp_path: Path, variant: str) -> None:
    path = here(rendered, f"Caddyfile{variant}", tmp_path)
    done = _run(tmp_path, "caddy", "validate", "--adapter", "caddyfile", "--config", path)
    assert done.returncode == 0, done.stderr


@lacks("caddy")
def test_caddy_refuses_a_broken_file(rendered: Path, tmp_path: Path) -> None:
    path = here(rendered, "Caddyfile", tmp_path)
    path.write_text(path.read_text().replace("lb_policy least_conn", "lb_policy no_such_policy"))
    done = _run(tmp_path, "caddy", "validate", "--adapter", "caddyfile", "--config", path)
    assert done.returncode != 0


@lacks("nginx")
@pytest.mark.parametrize("variant", VARIANTS)
def test_nginx_takes_its_file(rendered: Path, tmp_path: Path, variant: str) -> None:
    certificate(rendered)
    path = here(rendered, f"nginx.conf{variant}", tmp_path)
    done = _run(tmp_path, "nginx", "-t", "-q", "-e", "stderr", "-c", path)
    assert done.returncode == 0, done.stderr


def certificate(folder: Path) -> None:
    if (folder / "tls.crt").exists():
        return
    told = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost"
    subprocess.run(
        [
            "openssl",
            "req",
            *told.split(),
            "-keyout",
            folder / "tls.key",
            "-out",
            folder / "tls.crt",
        ],
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf"])
def test_a_drained_server_is_left_out(rendered: Path, name: str) -> None:
    assert "127.0.0.1:8001" in (rendered / name).read_text()
    assert "127.0.0.1:8001" not in (rendered / f"{name}-one-drained").read_text()
    drained = (rendered / f"{name}-all-drained").read_text()
    assert "127.0.0.1:8002" not in drained
    assert "503" in drained


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf"])
def test_the_key_stands_in_its_own_file_only(rendered: Path, name: str) -> None:
    assert "0123456789abcdef" not in (rendered / name).read_text()
