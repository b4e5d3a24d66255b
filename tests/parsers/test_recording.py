"""Bytes become plain text, whatever wrote them."""

from __future__ import annotations

import pytest

from preflight.parsers.recording import MAX_LINE, decode_bytes, plain_text, table_lines


@pytest.mark.parametrize(
    "data",
    [
        b"GPU0\tPHB\n",
        b"\xef\xbb\xbfGPU0\tPHB\r\n",
        "GPU0\tPHB\r\n".encode("utf-16"),
        "GPU0\tPHB\r\n".encode("utf-16-le"),
        "GPU0\tPHB\n".encode("utf-16-be"),
        b"\x1b[4mGPU0\tPHB\x1b[0m\n",
        b"[4mGPU0\tPHB[0m\n",
        b"\\033[1;31mGPU0\\033[0m\tPHB\n",
        b"#033[4mGPU0\tPHB#033[0m\n",
        b"^[[4mGPU0^[[0m\tPHB\r\r\n",
        b"\x1b[01;31m\x1b[KGPU0\x1b[m\x1b[K\tPHB\n",
        b"[01;31m[KGPU0[m[K\tPHB\n",
        b"\x1b]0;user@host\x07GPU0\tPHB\n",
        b"\x00G\x00PU0\tPHB\x00\x00\n",
    ],
)
def test_plain(data: bytes) -> None:
    assert decode_bytes(data) == "GPU0\tPHB\n"


def test_brackets_that_are_no_escapes_stay() -> None:
    text = "[mem 0x1000] [44] [0302] [   12.345678] [KVM] [size=4M] BAR 1 [mem size 0x1]\n"
    assert plain_text(text) == text


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert decode_bytes(b"a\xff\xfeb") == "a\ufffd\ufffdb"


@pytest.mark.parametrize(
    "prefix",
    [
        "2026-03-02T10:00:00.123456789Z stdout F ",
        "2026-03-02T10:00:00+01:00 host1 collect[7]: ",
        "Mar  2 10:00:00 host1 collect[7]: ",
        "Mar  2 10:00:00 ",
        "[2026-03-02 10:00:00] ",
        "[2026-03-02T10:00:00.123Z] ",
        "[1,0]<stdout>:",
        "0: ",
        "gpu-1  | ",
        "node7: ",
        "[pod/gpu-0/main] ",
        "> ",
        "0: node7: ",
    ],
)
def test_prefixes_go_and_indentation_stays(prefix: str) -> None:
    lines = ["Attached GPUs : 1", "    Max   : 16x", "\tGPU0", "41:00.0 VGA: x", "00: de 10"]
    assert table_lines("\n".join(prefix + line for line in lines)) == lines


def test_what_is_no_prefix_stays() -> None:
    lines = ["00:01.0 Host bridge: a", "00:02.0 VGA: b", "c0:00.0 PCI bridge: c"]
    assert table_lines("\n".join(lines)) == lines


def test_lines_of_megabytes_are_passed_over() -> None:
    assert table_lines("a\n" + "x" * (MAX_LINE + 1) + "\nb") == ["a", "", "b"]
