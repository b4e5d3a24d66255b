"""What is set for every program, by the files that say so."""

from __future__ import annotations

import pytest

from preflight.capture import Capture
from preflight.facts import Missing
from preflight.understand import understand
from tests.understand.build import Builder, command, files

THP = "/sys/kernel/mm/transparent_hugepage/enabled"
LOGIN = "/proc/self/environ"
DOCKER = "/etc/docker/daemon.json"


def capture(os: dict[str, str] | None = None, proc: dict[str, str] | None = None) -> Capture:
    told = {"/proc/self/environ": "", **(proc or {})}
    return Builder({"os": files(os or {"/etc/os-release": ""}), "proc": files(told)}).capture()


@pytest.mark.parametrize(
    "text, mode",
    [("always [madvise] never", "madvise"), ("[always] madvise never", "always"), ("x", None)],
)
def test_transparent_huge_pages(text: str, mode: str | None) -> None:
    fact = understand(capture({THP: text})).host.transparent_huge_pages
    assert fact == mode if mode else isinstance(fact, Missing)


@pytest.mark.parametrize(
    "os, proc, settings",
    [
        ({}, {}, ()),
        ({}, {LOGIN: "CUDA_VISIBLE_DEVICES=0,1"}, ("CUDA_VISIBLE_DEVICES=0,1 of the login",)),
        (
            {"/etc/environment": 'COMPUTE_PROFILE="1"\nLD_PRELOAD=/a.so'},
            {},
            ("COMPUTE_PROFILE=1 of the system",),
        ),
    ],
)
def test_variables_of_cuda(
    os: dict[str, str], proc: dict[str, str], settings: tuple[str, ...]
) -> None:
    assert understand(capture(os, proc)).host.cuda_settings == settings


def test_a_login_that_was_not_read_is_no_login_without_settings() -> None:
    told = Builder({"os": files({"/etc/os-release": ""}), "proc": files({"/proc/version": ""})})
    host = understand(told.capture()).host
    assert isinstance(host.cuda_settings, Missing)
    assert isinstance(host.preloaded, Missing)


def test_preloaded_libraries_of_both_ways() -> None:
    told = capture(
        {"/etc/ld.so.preload": "/usr/lib/a.so # x\n\n"}, {LOGIN: "LD_PRELOAD=/b.so:/c.so"}
    )
    assert understand(told).host.preloaded == ("/b.so", "/c.so", "/usr/lib/a.so")
    assert understand(capture()).host.preloaded == ()


@pytest.mark.parametrize(
    "os, engines",
    [
        ({DOCKER: ""}, ()),
        ({DOCKER: "nvidia-container-runtime"}, ("docker",)),
        ({"/etc/containerd/config.toml": "nvidia-container-runtime"}, ("containerd",)),
        ({"/etc/containerd/conf.d/99-nvidia.toml": ""}, ("containerd",)),
        ({"/var/run/cdi/nvidia.yaml": "", "/etc/cdi/nvidia.yaml": ""}, ("cdi",)),
    ],
)
def test_engines_that_know_the_runtime(os: dict[str, str], engines: tuple[str, ...]) -> None:
    assert understand(capture(os)).host.toolkit_engines == engines


def test_a_configuration_that_nobody_may_read_is_unknown() -> None:
    told = Builder(
        {
            "os": files({"/etc/os-release": ""}, errors={DOCKER: "not-permitted"}),
            "listening": command(),
        }
    )
    fact = understand(told.capture()).host.toolkit_engines
    assert isinstance(fact, Missing)
    assert fact.reason == "not-permitted"
