"""What is made of raw samples: figures, gaps with their reasons, and what never was measured."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from preflight.capture import Measurement
from preflight.facts import Facts, FileSystem, Gpu, Missing, NotApplicable
from preflight.link_rates import least, raw_gb_s
from preflight.understand import understand
from preflight.understand.measured_host import with_reads
from preflight.understand.measurements import Measurements, figure
from tests.understand.build import ADDRESSES, Builder, command, device, nvml, with_status

ONE, TWO = ADDRESSES
CUDA = {"name": "x", "sms": 132, "compute_capability": [9, 0]}
CORRECT = {"checksums": {"k": "a"}, "iterations": 30, "wrong": 0}


def entry(name: str, **told: Any) -> Measurement:
    where = {"from": told.pop("of")} if "of" in told else {}
    return msgspec.convert({"name": name, "status": "ok", **told, **where}, Measurement)


def copied(name: str, pci: str, *samples: float, **told: Any) -> Measurement:
    return entry(name, pci=pci, unit="GB/s", samples=list(samples), **told)


def facts(*entries: Measurement, **sources: Any) -> Facts:
    cards = nvml(device(0, ONE), device(1, TWO))
    capture = Builder({"nvml": cards}).capture(**sources)
    return understand(msgspec.structs.replace(capture, measurements=list(entries)))


def first(*entries: Measurement, **sources: Any) -> Gpu:
    gpus = facts(*entries, **sources).gpus
    assert isinstance(gpus, tuple)
    return gpus[0]


def test_median_better_quartile_and_spread() -> None:
    got = first(copied("host-to-device", ONE, 50, 54, 52, 40, 53)).host_to_device
    assert (got.median, got.better, got.samples) == (52, 53, 5)  # type: ignore[union-attr]
    assert got.spread == pytest.approx(3 / 52)  # type: ignore[union-attr]
    late = first(entry("launch-latency", pci=ONE, unit="us", samples=[5.0, 9.0, 7.0]))
    assert late.launch_latency.better == 6.0  # type: ignore[union-attr]  # less is better


@pytest.mark.parametrize(
    "told, reason",
    [
        ({"status": "failed", "detail": "CUDA_ERROR_ECC_UNCORRECTABLE (214)"}, "tool-failed"),
        ({"status": "timed-out"}, "timed-out"),
        ({"status": "wrong-data"}, "tool-failed"),
        ({"status": "not-supported"}, "not-supported"),
        ({"status": "tool-absent"}, "tool-absent"),
        ({"status": "skipped", "detail": "left out to end within 25 s"}, "skipped"),
        ({"status": "in-use", "detail": "python (pid 7)"}, "in-use"),
        ({"status": "of its own making"}, "tool-failed"),
        ({"samples": []}, "not-parsed"),
        ({"samples": [50.0, -1.0]}, "not-parsed"),
        ({"samples": [0.0]}, "not-parsed"),
        ({"samples": [1e300]}, "not-parsed"),
        ({"samples": [5e-324]}, "not-parsed"),
        ({"unit": "MB/s"}, "not-parsed"),
    ],
)
def test_what_is_no_figure_is_missing_with_its_reason(told: dict[str, Any], reason: str) -> None:
    one = msgspec.structs.replace(copied("device-copy", ONE, 900.0), **told)
    found = figure(one, "GB/s")
    assert isinstance(found, Missing)
    assert found.reason == reason
    assert told.get("detail", "") in found.detail


def test_nothing_measured_is_nothing_known() -> None:
    gpu = first()
    for name in ("host_to_device", "cuda_errors", "wrong_results", "tensor_rate", "rest"):
        assert isinstance(getattr(gpu, name), Missing), name


def test_what_failed_is_told_card_by_card_and_a_library_that_does_not_start_of_all() -> None:
    well = entry("cuda", pci=ONE, values=CUDA)
    bad = entry("device-copy", pci=ONE, status="failed", detail="CUDA_ERROR_ILLEGAL_ADDRESS (700)")
    assert first(well).cuda_errors == ()
    assert first(well, bad).cuda_errors == (
        "device-copy: failed: CUDA_ERROR_ILLEGAL_ADDRESS (700)",
    )
    hung = entry("cuda", status="failed", detail="cuInit: CUDA_ERROR_SYSTEM_NOT_READY (802)")
    gpus = facts(hung).gpus
    assert all("802" in gpu.cuda_errors[0] for gpu in gpus)  # type: ignore[index, union-attr]
    absent = first(entry("cuda", status="tool-absent")).cuda_errors
    assert isinstance(absent, Missing)
    assert first(bad).cuda_errors, "a fault is one also where nothing was told of the context"


@pytest.mark.parametrize(
    "cuda",
    [
        entry("cuda", values=CUDA),  # of all cards
        entry("cuda", pci="nowhere", values=CUDA),
        entry("cuda", pci="nowhere", status="failed"),
        entry("cuda", pci=ONE),
        entry("cuda", pci=ONE, values=CUDA | {"sms": 0}),
        entry("cuda", pci=ONE, values=CUDA | {"sms": "--5"}),
    ],
)
def test_what_is_not_told_of_the_card_is_no_context_on_it(cuda: Measurement) -> None:
    gpu = first(cuda)
    assert isinstance(gpu.cuda_errors, Missing)
    assert isinstance(gpu.cuda_device, Missing)


@pytest.mark.parametrize("status", ["failed", "timed-out", "gpu-lost", "exploded", ""])
def test_every_word_but_the_harmless_ones_is_a_fault(status: str) -> None:
    well = entry("cuda", pci=ONE, values=CUDA)
    assert len(first(well, entry("rest", pci=ONE, status=status)).cuda_errors) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "status", ["ok", "skipped", "in-use", "not-supported", "tool-absent", "wrong-data"]
)
def test_what_was_left_out_or_gave_a_result_is_no_fault(status: str) -> None:
    well = entry("cuda", pci=ONE, values=CUDA)
    assert first(well, entry("rest", pci=ONE, status=status)).cuda_errors == ()


def test_of_several_the_worst_counts_in_either_order_and_however_many_there_are() -> None:
    well = entry("compute-correct", pci=ONE, values=CORRECT)
    wrong, failed = (msgspec.structs.replace(well, status=s) for s in ("wrong-data", "failed"))
    counted = entry("compute-correct", pci=ONE, values=CORRECT | {"wrong": 2})
    skipped = msgspec.structs.replace(well, status="skipped", values={})
    for bad in (wrong, counted):
        for other in (well, failed, skipped):
            for told in ((bad, other), (other, bad)):
                assert len(first(*told).wrong_results) == 1  # type: ignore[arg-type]
    for told in ((failed, well), (well, failed)):
        assert isinstance(first(*told).wrong_results, Missing)
        assert first(*told).cuda_errors
    for told in ((skipped, well), (well, skipped)):
        assert first(*told).wrong_results == ()
    many = [entry("nothing")] * 20_000
    assert len(first(*many, wrong).wrong_results) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "told",
    [
        {"wrong": -1},
        {"wrong": "many"},
        {"wrong": 1.5},
        {"wrong": None},
        {"iterations": 0},
        {"iterations": None},
        {"checksums": {}},
        {"checksums": None},
    ],
)
def test_nothing_wrong_of_nothing_is_no_proof(told: dict[str, Any]) -> None:
    assert first(entry("compute-correct", pci=ONE, values=CORRECT)).wrong_results == ()
    found = first(entry("compute-correct", pci=ONE, values=CORRECT | told)).wrong_results
    assert isinstance(found, Missing)
    assert found.reason == "not-parsed"


def test_a_clock_is_a_figure_too() -> None:
    def clock(**values: Any) -> float | None:
        samples = {"unit": "flop/clock/SM", "samples": [4096.0]}
        rate = first(entry("tensor-bf16", pci=ONE, values=values, **samples)).tensor_bf16
        return rate.clock_mhz  # type: ignore[union-attr]

    assert clock(cycles=[1e11], ns=[1e8]) == 1e6
    assert clock(cycles=[1e11], ns=[5e-324]) is None
    assert clock(cycles=[1e11], ns=[1e-9]) is None
    assert clock(cycles=[1e11], ns=[5e-324], clock_mhz=[1980.0]) == 1980


def test_the_link_is_the_one_that_most_samples_show() -> None:
    links = [{"gen": 1, "width": 16}, *[{"gen": 4, "width": 8}] * 3, {"gen": 99, "width": 3}]
    gpu = first(copied("host-to-device", ONE, 13.0, values={"links": links}))
    assert (gpu.pcie_link_gen_under_load, gpu.pcie_link_width_under_load) == (4, 8)
    assert gpu.pcie_raw_gb_s == pytest.approx(15.75, abs=0.01)


def test_a_sum_that_another_card_does_not_have() -> None:
    def correct(pci: str, value: str, **told: Any) -> Measurement:
        values = {"checksums": {"k": value}, "iterations": 1, **told}
        return entry("compute-correct", pci=pci, values=values)

    one, two = facts(correct(ONE, "a", wrong=0), correct(TWO, "a", wrong=0)).gpus  # type: ignore[misc]
    assert one.wrong_results == two.wrong_results == ()
    one, two = facts(correct(ONE, "a", wrong=0), correct(TWO, "b", wrong=0)).gpus  # type: ignore[misc]
    assert one.wrong_results == ("k: not the sum of gpu1",)
    assert two.wrong_results == ("k: not the sum of gpu0",)
    # The known answer tells which of the two it is.
    one, two = facts(correct(ONE, "a", wrong=0), correct(TWO, "b", wrong=3)).gpus  # type: ignore[misc]
    assert one.wrong_results == ()
    assert len(two.wrong_results) == 1  # type: ignore[arg-type]


def path(*entries: Measurement, subject: str = "gpu0>gpu1") -> Any:
    return next(p for p in facts(*entries).peer_paths if p.subject == subject)


def between(name: str, **told: Any) -> Measurement:
    return entry(name, of=ONE, to=TWO, **told)


def test_a_peer_copy_that_hangs_or_damages() -> None:
    hung = path(between("peer-copy", status="timed-out", detail="no end within 10 s"))
    assert hung.peer_completion == "peer-copy: timed out: no end within 10 s"
    damage = between("peer-data", status="wrong-data", values={"words": 9, "wrong": 2})
    wrong = path(between("peer-copy"), damage)
    assert (wrong.peer_data.words, wrong.peer_data.wrong) == (9, 2)
    assert wrong.peer_completion == ""
    untold = path(between("peer-data", status="wrong-data"))
    assert untold.peer_data.wrong == 1, "damage that is not counted is damage"
    empty = path(between("peer-data", values={"words": 0, "wrong": 0}))
    assert isinstance(empty.peer_data, Missing), "nothing read is no proof"
    found = facts(between("peer-copy", status="timed-out"))
    assert isinstance(found.host.peer_faults, tuple)
    assert found.host.peer_faults == found.gpus[1].peer_faults  # type: ignore[index]


def test_without_access_nothing_is_owed_and_damage_is_told_all_the_same() -> None:
    refused = between("peer-access", values={"granted": False})
    assert isinstance(path(refused).peer_copy, NotApplicable)
    assert isinstance(path(refused).peer_completion, NotApplicable)
    wrong = between("peer-data", status="wrong-data", values={"words": 9, "wrong": 2})
    assert path(refused, wrong).peer_data.wrong == 2
    assert isinstance(path().peer_copy, Missing), "not asked is not refused"


def log(*lines: str) -> Any:
    return command("".join(f"[    {n}.0] {line}\n" for n, line in enumerate(lines, 1)))


XID = f"NVRM: Xid (PCI:{ONE[:-2]}): 79, pid=7, GPU has fallen off the bus."


def test_only_what_is_new_appeared_in_the_test() -> None:
    before, after = log("Linux version 6", XID), log("Linux version 6", XID, XID)
    assert first(dmesg=before, dmesg_after=before).xids_during_test == ()
    (event,) = first(dmesg=before, dmesg_after=after).xids_during_test  # type: ignore[misc]
    assert (event.code, event.count) == (79, 1)
    unread = first(dmesg=before, dmesg_after=with_status(before, "not-permitted"))
    assert isinstance(unread.xids_during_test, Missing)
    assert isinstance(first(dmesg=before).xids_during_test, Missing)


@pytest.mark.parametrize("before, after, grown", [(3, 3, 0), (3, 8, 5), (8, 3, None)])
def test_growth_of_the_replay_counter(before: int, after: int, grown: int | None) -> None:
    def read(count: int) -> Any:
        return nvml(device(0, ONE, PcieReplayCounter=count), device(1, TWO))

    found = first(nvml=read(before), nvml_after=read(after)).pcie_replays_under_load
    assert found == grown if grown is not None else isinstance(found, Missing)


def test_a_read_of_a_file_that_is_not_named_is_not_known_of_any_disk() -> None:
    disk = FileSystem("disk:/", "/")
    for values, known in (({}, False), ({"path": "/models/one"}, True)):
        told = entry("disk-read", unit="GB/s", samples=[2.0, 2.1], values=values)
        of = Measurements({}, {}, {}, {"disk-read": [told]})
        (read,) = with_reads(of, (disk,))
        gap = Missing("not-parsed", "disk-read tells no path")
        assert (read.sequential_read != gap) is known


def test_hostile_measurements_are_no_reason_to_crash() -> None:
    odd: list[Any] = [None, "x", -1, 1e400, [], {}, [[[]]], {"a": 1}, True, 1 << 70]
    keys = "compute_capability sms links checksums wrong cycles rows temperature_c words path log"
    names = "cuda rest host-to-device compute-correct sm-ids peer-data nccl-allreduce disk-read"
    for value in odd:
        values = dict.fromkeys(keys.split(), value)
        told = [entry(name, pci=ONE, values=values) for name in names.split()]
        told += [between(name, values=values) for name in names.split()]
        told += [entry(name, cards=[ONE, TWO], values=values) for name in names.split()]
        assert facts(*told).gpus


def test_raw_rates_and_limits_of_links_that_no_table_names() -> None:
    assert raw_gb_s(5, 16) == pytest.approx(63.0, abs=0.02)
    assert raw_gb_s(1, 16) == pytest.approx(4.0)
    assert raw_gb_s(9, 16) is None
    assert least(63.015, (63.0, 31.5), (52.0, 24.0)) == 52.0
    assert least(126.0, (63.0, 31.5), (52.0, 24.0)) == 104.0
