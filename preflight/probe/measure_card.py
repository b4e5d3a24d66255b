"""What CUDA says of a card, and whether it can be used at all."""

from __future__ import annotations

import time
import uuid
from ctypes import byref, c_char, c_int, c_size_t, c_uint

from preflight.probe.card import Card
from preflight.probe.cuda import Cuda, CudaError
from preflight.probe.library import NotLoaded
from preflight.probe.record import Record

HOLD_CYCLES = 20_000  # a block stays this long, so that the next one needs another processor
BLOCKS_PER_SM = 8
MARKS = 1024


def driver(record: Record) -> None:
    """The host's driver: an entry only where it cannot be used, else the cards that it lists."""
    try:
        record.emit("cards", Cuda().cards())
    except NotLoaded as error:
        with record("cuda") as entry:
            is_absent = error.status == "tool-absent"
            entry.status = error.status if is_absent else "failed"
            entry.detail = str(error)
    except CudaError as error:
        failed = error
        with record("cuda"):
            raise failed from None


def card(pci: str, record: Record) -> None:
    with record("cuda", pci=pci) as entry:
        cuda = Cuda()
        if pci not in cuda.cards():
            entry.status, entry.detail = "failed", "CUDA does not list it"
            return
        device = c_int()
        cuda.call("cuDeviceGetByPCIBusId", byref(device), pci.encode())
        entry.values.update(identity(cuda, device.value))
        opened = Card(cuda, pci)
        entry.values.update(figures(opened))
        start = time.monotonic()
        where = opened.kernel("cores", "where")
        entry.values["jit_s"] = round(time.monotonic() - start, 4)
    if entry.status == "ok":
        with record("sm-ids", method="blocks counted by %smid", pci=pci) as entry:
            marks = opened.allocate(4 * MARKS)
            cuda.call("cuMemsetD32_v2", marks, 0, MARKS)
            blocks = opened.attribute("sms") * BLOCKS_PER_SM
            opened.launch(where, blocks, 1024, marks, c_uint(HOLD_CYCLES))
            opened.synchronize()
            seen = [number for number, times in enumerate(opened.read_words(marks, MARKS)) if times]
            entry.values.update(sms=len(seen), highest=seen[-1])


def identity(cuda: Cuda, device: int) -> dict[str, object]:
    name, ident = (c_char * 128)(), (c_char * 16)()
    cuda.call("cuDeviceGetName", name, 128, device)
    cuda.call("cuDeviceGetUuid", ident, device)
    return {
        "driver_version": cuda.integer("cuDriverGetVersion"),
        "name": name.value.decode("utf-8", "replace"),
        "uuid": f"GPU-{uuid.UUID(bytes=bytes(bytearray(ident)))}",
    }


def figures(card: Card) -> dict[str, object]:
    free, total = c_size_t(), c_size_t()
    card.cuda.call("cuMemGetInfo_v2", byref(free), byref(total))
    size = c_size_t()
    card.cuda.call("cuDeviceTotalMem_v2", byref(size), card.device)
    return {
        "compute_capability": [card.attribute("cc_major"), card.attribute("cc_minor")],
        "sms": card.attribute("sms"),
        "l2_bytes": card.attribute("l2_bytes"),
        "bus_width_bits": card.attribute("bus_width_bits"),
        "clock_mhz": card.attribute("clock_khz") // 1000,
        "memory_clock_mhz": card.attribute("memory_clock_khz") // 1000,
        "total_bytes": size.value,
        "free_bytes": free.value,
    }
