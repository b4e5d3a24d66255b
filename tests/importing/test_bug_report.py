"""Each section to the source that is its like, whatever the script's age; the rest is left out."""

from __future__ import annotations

import pytest

from preflight.capture import Capture
from preflight.errors import UsageError
from preflight.importing.bug_report import read
from tests.importing.written import LINE, as_text, file, report

NOT_IN_IT = "not-in-a-bug-report"
SMI = """/usr/bin/nvidia-smi --query

==============NVSMI LOG==============
Driver Version : 535.113.01

/usr/bin/nvidia-smi --query --unit

==============NVSMI LOG==============
HIC Info : N/A

/usr/bin/nvidia-smi nvlink --status

GPU 0: NVIDIA A100"""


def imported(*bodies: str, flags: str = "", end: bool = True) -> Capture:
    return read(as_text(report(*bodies, flags=flags, end=end)), "f")


def test_who_made_it_and_when_is_kept() -> None:
    capture = imported(file("/proc/cmdline", "quiet"))
    assert capture.imported is not None
    assert capture.imported.version == "33290498"
    assert capture.imported.host == "somehost"
    assert capture.imported.date == "Thu Nov 16 08:58:27 AM EST 2023"
    assert capture.started == capture.finished == "2023-11-16T13:58:34Z"
    assert capture.complete


def test_a_date_in_any_words_says_nothing_and_stamps_do() -> None:
    body = file("/etc/issue", "x").replace("2023-11-16", "2031-01-01")
    assert imported(body).started == ""


@pytest.mark.parametrize("path", ["/proc/driver/nvidia/version", "/proc/driver/nvidia/./version"])
def test_the_drivers_files_have_the_same_paths_in_old_scripts(path: str) -> None:
    source = imported(file(path, "NVRM version: 1")).sources["proc-nvidia"]
    assert source.files == {"/proc/driver/nvidia/version": "NVRM version: 1"}


def test_a_file_that_is_not_there_is_told_apart_from_one_that_may_not_be_read() -> None:
    capture = imported(
        "*** /proc/driver/nvidia/./version does not exist",
        "*** /proc/driver/nvidia/./params is not readable",
    )
    source = capture.sources["proc-nvidia"]
    assert source.status == "not-present"
    assert source.errors == {
        "/proc/driver/nvidia/version": "not-present",
        "/proc/driver/nvidia/params": "not-permitted",
    }


def test_one_section_may_hold_several_commands() -> None:
    sources = imported(SMI).sources
    assert sources["smi-q"].stdout.strip().endswith("535.113.01")
    assert sources["smi-nvlink-s"].stdout == "GPU 0: NVIDIA A100\n"
    assert sources["smi-q"].argv == ["/usr/bin/nvidia-smi --query"]


def test_the_units_header_is_no_answer_of_a_refused_query() -> None:
    refused = SMI.replace("==============NVSMI LOG==============\nDriver", "GPU is lost.", 1)
    sources = imported(refused).sources
    assert sources["smi-q"].status == "tool-failed"
    assert "GPU is lost." in sources["smi-q"].stdout
    assert sources["smi-nvlink-s"].status == "tool-failed"


@pytest.mark.parametrize(
    ("heading", "source"),
    [
        ('/usr/bin/lspci -d "10de:*" -v -xxx', "lspci"),
        ("/sbin/lspci -nnDvvvxxxx", "lspci"),
        ("/usr/bin/lspci -nnDvvvxxx", "lspci"),
        ("PCI devices configuration space dump using sysfs", "lspci"),
        ("/usr/bin/lspci -nn", "lspci-list"),
        ("/usr/bin/lspci -t", "lspci-tree"),
        ("/usr/bin/lspci -nntv", "lspci-tree"),
        ("/usr/sbin/dmidecode", "dmidecode"),
        ("/bin/systemctl status nvidia-persistenced.service", "systemctl-nvidia"),
        ("dmesg:", "dmesg"),
        ("Scanning kernel log files for NVIDIA kernel messages:", "kernel-scan"),
        ("/usr/bin/nvidia-smi -q", "smi-q"),
    ],
)
def test_a_heading_tells_the_source_and_no_version_does(heading: str, source: str) -> None:
    assert imported(f"{heading}\n\nsome words").sources[source].stdout == "some words\n"


def test_two_listings_of_one_tool_are_one_source() -> None:
    lspci = imported('/a/lspci -d "10de:*" -v -xxx\n\none', '/a/lspci -d "10b5:*" -v -xxx\n\ntwo')
    assert lspci.sources["lspci"].stdout == "one\ntwo\n"


def test_a_log_that_quotes_headings_is_a_log() -> None:
    body = "dmesg:\n\n*** /proc/version\n*** ls: x\nfalse\n  " + LINE + "_\n[1.0] end"
    capture = imported(body)
    assert capture.sources["proc"].files == {}
    assert capture.sources["dmesg"].stdout.endswith("[1.0] end\n")


def test_an_empty_section_is_none() -> None:
    capture = imported("", "   ", file("/sys/devices/system/node/online", "0-1"))
    assert capture.sources["bug-report"].files == {"/sys/devices/system/node/online": "0-1"}


@pytest.mark.parametrize(
    "words",
    ["Skipping lspci output (lspci not found)", "Skipping: lspci output\nlspci not found"],
)
def test_a_tool_that_was_not_there_is_absent(words: str) -> None:
    source = imported(words).sources["lspci"]
    assert (source.status, source.detail) == ("tool-absent", "lspci not found")


def test_what_no_report_holds_and_what_this_one_lacks_say_so() -> None:
    sources = imported().sources
    assert (sources["nvml"].status, sources["nvml"].detail) == (NOT_IN_IT, "")
    assert sources["lspci"].detail == "this one has no such section"
    assert imported(flags="--safe-mode").sources["smi-q"].detail == "--safe-mode leaves it out"
    assert "section" in imported(flags="--safe-mode").sources["lspci"].detail
    assert imported(end=False).sources["lspci"].detail == "the file ends before it"
    assert sources["proc"].errors["/proc/uptime"] == NOT_IN_IT


def test_dumps_and_x_logs_are_left_out() -> None:
    capture = imported(
        'base64 "dump.zip"\n\n' + "QXidRVJSIQ" * 9, file("/var/log/Xorg.0.log", "secret"),
        "xset -q:\n\nsecret",
    )  # fmt: skip
    text = repr(capture.sources)
    assert "secret" not in text
    assert "QXid" not in text


def test_other_locales_and_line_ends() -> None:
    text = as_text(report("dmesg:\n\n[1.0] 总计 0 \r\n[2.0] ok\r\n"))
    capture = read(text.replace(b"Thu Nov 16", b"\xc0\xf6\xff"), "f")
    assert capture.sources["dmesg"].stdout == "[1.0] 总计 0 \n[2.0] ok\n"


def test_a_list_in_which_the_file_ends_says_nothing_and_a_log_what_it_has() -> None:
    whole = as_text(
        report("/usr/bin/lspci -nn\n\n01:00.0 x\n02:00.0 y", "dmesg:\n\n[1.0] x\n[2.0]")
    )
    in_list = read(whole[: whole.index(b"02:00.0")], "f")
    assert not in_list.complete
    listing = in_list.sources["lspci-list"]
    assert (listing.status, listing.truncated) == (NOT_IN_IT, True)
    assert listing.detail == "the file ends inside it"
    assert in_list.sources["dmesg"].detail == "the file ends before it"
    in_log = read(whole[: whole.index(b"[2.0]")], "f").sources
    assert (in_log["dmesg"].status, in_log["dmesg"].truncated) == ("ok", True)
    assert (in_log["lspci-list"].status, in_log["lspci-list"].truncated) == ("ok", False)


def test_half_of_a_file_is_none() -> None:
    text = as_text(report(file("/proc/version", "Linux version 6"), end=False))
    assert read(text, "f").sources["proc"].files == {}


def test_what_is_no_report_is_refused_in_one_line() -> None:
    for text in (b"", b"\0" * 100, b"dmesg:", b"%PDF-1.7"):
        with pytest.raises(UsageError, match=r"^f: not a bug report"):
            read(text, "f")


def test_a_report_of_nothing_but_its_beginning_is_read() -> None:
    assert not read(b"Start of NVIDIA bug report log file", "f").complete
