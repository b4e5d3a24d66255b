"""Hand-made reports of hosts that every renderer is tried on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

from preflight.facts import Facts, Gpu, GpuPair, Host, Missing, NotApplicable
from preflight.findings import (
    FAIL,
    PASS,
    WARN,
    Finding,
    Judgement,
    Level,
    Report,
    Status,
    Verdict,
    Waived,
)

UNKNOWN, NOT_APPLICABLE = Status.UNKNOWN, Status.NOT_APPLICABLE
RESEAT = "Reseat the card; then look at the riser and at the slot's bifurcation in the BIOS."
NO_SMI = "tool absent: nvidia-smi"
NO_DMESG = "not permitted: dmesg: read kernel buffer failed: Operation not permitted"


def cards(count: int, name: str = "NVIDIA GeForce RTX 4090", **facts: object) -> tuple[Gpu, ...]:
    """Equal cards, each in its own slot."""
    first = Gpu(
        subject="gpu0",
        pci="0000:01:00.0",
        nvml_index=0,
        name=name,
        pcie_link_width=16,
        pcie_link_width_max=16,
        pcie_link_gen=1,
        pcie_link_gen_max=4,
        memory_total_mib=24564,
        power_limit_w=450.0,
        temperature_c=31,
        slot="PCIEX16_1",
        ecc_enabled=NotApplicable("no ECC on this card"),
    )
    first = replace(first, **facts)  # type: ignore[arg-type]
    return tuple(
        replace(
            first,
            subject=f"gpu{n}",
            pci=f"0000:{1 + 0x20 * n:02x}:00.0",
            slot=f"PCIEX16_{n + 1}" if "slot" not in facts else first.slot,
            temperature_c=31 + n if "temperature_c" not in facts else first.temperature_c,
        )
        for n in range(count)
    )


def wired(gpus: Iterable[Gpu], near: str = "PIX", far: str = "SYS") -> tuple[GpuPair, ...]:
    """Pairs of neighbours `near`, all others `far`."""
    pairs = []
    for (i, a), (j, b) in combinations(enumerate(gpus), 2):
        kind = near if i // 2 == j // 2 else far
        name = f"{a.subject}-{b.subject}"
        pairs.append(GpuPair(name, name, topology=kind))
    return tuple(pairs)


def host(**facts: object) -> Host:
    known = Host(
        driver_version="580.95.05",
        cuda_version="13.0",
        memory_total_mib=257_564,
        cpu_model="AMD Ryzen Threadripper PRO 5955WX 16-Cores",
        cpu_count=32,
        board="ASUSTeK COMPUTER INC. Pro WS WRX80E-SAGE SE WIFI",
        os_name="Ubuntu 24.04.2 LTS",
        kernel_release="6.8.0-60-generic",
        virtualization="none",
    )
    return replace(known, **facts)  # type: ignore[arg-type]


def finding(status: Status, id: str, subject: str, message: str = "", **more: object) -> Finding:
    """A finding; trouble gets a remedy, as the engine gives it one."""
    troubled = {"remedy": "Look at it.", "remedy_class": "watch"} if status in (WARN, FAIL) else {}
    more = troubled | more
    made = Finding(status, id=id, subject=subject, message=message or f"{subject}: {id}")
    return replace(made, **more)  # type: ignore[arg-type]


def report(
    findings: Iterable[Finding],
    facts: Facts,
    verdict: Verdict = Verdict.ACCEPT,
    required: tuple[str, ...] = (),
    **more: object,
) -> Report:
    made = Report(
        host="root@ssh4.example.net:20411",
        started="2026-03-02T09:14:07Z",
        finished="2026-03-02T09:14:11Z",
        level=Level.LOOK,
        policy="default",
        simulated=None,
        judgement=Judgement(verdict, required),
        findings=tuple(findings),
        not_run={},
        facts=facts,
        capture_sha256="5f" * 32,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def passes(gpus: Iterable[Gpu]) -> list[Finding]:
    found = [finding(PASS, "gpu-count", "host", "GPU count 2, required 2", measured=2, expected=2)]
    for gpu in gpus:
        found.append(
            finding(
                PASS,
                "pcie-link-width",
                gpu.subject,
                f"{gpu.label}: PCIe link width 16 lanes, required 16 lanes",
                measured=16,
                expected=16,
                unit="lanes",
                evidence=("sysfs-pci",),
            )
        )
        found.append(
            finding(
                NOT_APPLICABLE,
                "ecc-mode",
                gpu.subject,
                f"{gpu.label}: ECC mode: no ECC on this card",
                reason="no ECC on this card",
            )
        )
    return found


def accepted() -> Report:
    gpus = cards(2)
    facts = Facts(host(), gpus, wired(gpus, near="PHB"))
    return report(passes(gpus), facts, notes=("read as deploy, without root",))


def accepted_with_warnings() -> Report:
    gpus = cards(2)
    facts = Facts(host(virtualization="kvm"), gpus, wired(gpus, near="PHB"))
    persistence = [
        finding(
            WARN,
            "persistence-mode",
            g.subject,
            f"{g.label}: Persistence mode off, required on",
            remedy="Enable nvidia-persistenced.",
            remedy_class="reconfigure",
        )
        for g in gpus
    ]
    swap = finding(
        WARN,
        "swap",
        "host",
        "Swap 64 GiB, required 8 GiB",
        measured=64,
        expected=8,
        unit="GiB",
        remedy="Turn it off, or lower vm.swappiness.",
        remedy_class="reconfigure",
    )
    hidden = [finding(UNKNOWN, id, "host", reason=NO_DMESG) for id in ("pcie-aer", "sxid")]
    return report([*passes(gpus), *persistence, swap, *hidden], facts)


def rejected() -> Report:
    """One card on four lanes that also fell off the bus once, one finding waived."""
    gpus = cards(2)
    gpus = (gpus[0], replace(gpus[1], pcie_link_width=4))
    narrow = finding(
        FAIL,
        "pcie-link-width",
        "gpu1",
        f"{gpus[1].label}: PCIe link width 4 lanes, required 16 lanes",
        measured=4,
        expected=16,
        unit="lanes",
        remedy=RESEAT,
        remedy_class="service",
        evidence=("sysfs-pci",),
    )
    lost = finding(
        FAIL,
        "xid",
        "gpu1",
        f"{gpus[1].label}: Xid 79 (fallen off the bus) 3 times, last 2026-03-01T22:10:04Z",
        remedy="Power-cycle the host; then check the card's power cables, riser and slot.",
        remedy_class="power-cycle",
        evidence=("journal-kernel",),
    )
    waived = finding(
        FAIL,
        "driver-version",
        "host",
        "Driver version 535.54.03, required 570",
        remedy="Install a newer driver.",
        remedy_class="reconfigure",
        waived=Waived("2026-06-30", "the image is frozen until the summer"),
    )
    warn = accepted_with_warnings().findings[-5:]
    facts = Facts(host(), gpus, wired(gpus, near="PHB"))
    return report([*passes(gpus[:1]), narrow, lost, waived, *warn], facts, Verdict.REJECT)


def undecided() -> Report:
    """Nothing of the driver is there and nobody is root."""
    of_driver = ("driver-responds", "gpu-query-errors", "driver-version", "ecc-mode", "power-limit")
    of_driver += ("temperature-idle", "persistence-mode", "vbios-uniform", "bar1-size")
    findings = [finding(UNKNOWN, id, "host", reason=NO_SMI) for id in of_driver]
    findings += [finding(UNKNOWN, id, "host", reason=NO_DMESG) for id in ("xid", "kernel-faults")]
    findings += [finding(PASS, "gpu-count", "host")]
    absent = Missing("tool-absent", "nvidia-smi")
    gpus = cards(
        2,
        name=absent,  # type: ignore[arg-type]
        pci_name="NVIDIA Corporation AD102 [GeForce RTX 4090]",
        memory_total_mib=absent,
        power_limit_w=absent,
        temperature_c=absent,
        slot=Missing("not-permitted", "dmidecode: /dev/mem: Permission denied"),
    )
    facts = Facts(host(driver_version=absent, cuda_version=absent), gpus)
    required = ("gpu-query-errors", "driver-responds", "xid")
    return report(findings, facts, Verdict.UNKNOWN, required)


def eight(name: str = "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition") -> Report:
    """Eight cards with long names and slots, all narrow, on a simulated host."""
    gpus = cards(8, name=name, slot="CPU1 SLOT2 PCI-E 5.0 X16", memory_total_mib=97887)
    narrow = [
        finding(
            FAIL,
            "pcie-link-width",
            g.subject,
            f"{g.label}: PCIe link width 4 lanes, required 16 lanes",
            remedy=RESEAT,
            remedy_class="service",
        )
        for g in gpus
    ]
    facts = Facts(host(), gpus, wired(gpus))
    simulated = {"simulated": "pro6000x8", "host": "pro6000x8"}
    not_run = {"measure": ("vram-bandwidth", "cuda-usable"), "soak": ("vram-pattern",)}
    return report(narrow, facts, Verdict.REJECT, not_run=not_run, **simulated)


def hostile() -> Report:
    """Text from a host that wants to be more than text."""
    name = "[red]x[/red]\x1b[31m\x1b]0;owned\x07\u202eNVIDIA\r\n:smiley: \ud800" + "A" * 5000
    gpus = cards(1, name=name, slot="[bold]" + "s" * 300)
    bad = finding(
        FAIL,
        "gpu-model-uniform",
        "gpu0",
        f"{gpus[0].label}: [link=http://x]click[/link]\x1b[2J",
        remedy="[blink]Reseat[/blink] the card.",
        remedy_class="service",
        measured=name,
    )
    return report([bad], Facts(host(board="\x9b31mboard"), gpus), Verdict.REJECT)


def no_cards() -> Report:
    count = finding(
        FAIL, "gpu-count", "host", "GPU count 0, required 1", remedy="Reseat the cards."
    )
    return report([count], Facts(host(), ()), Verdict.REJECT)


def no_sources() -> Report:
    gone = Missing("not-collected")
    count = finding(UNKNOWN, "gpu-count", "host", reason=str(gone))
    return report([count], Facts(Host(), gone), Verdict.UNKNOWN, ("gpu-count", "xid"))


ALL = {
    made.__name__: made
    for made in (
        accepted,
        accepted_with_warnings,
        rejected,
        undecided,
        eight,
        hostile,
        no_cards,
        no_sources,
    )
}
