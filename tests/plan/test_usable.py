"""Which cards of a host a plan is made for, and by which numbers CUDA knows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from preflight.catalog import cards as catalogue
from preflight.facts import Facts, Gpu, GpuUse, Host, KernelFault, Missing, XidEvent
from preflight.layout import parse as layout
from preflight.plan import cards, lookup
from preflight.plan.answer import plan
from preflight.plan.arrangements import arrange
from preflight.plan.host_vars import host_vars
from preflight.plan.usable import listed, plannable, usable
from preflight.plan.wish import Wish
from preflight.planning import Question, answer

_4090 = next(card for card in catalogue() if card.name == "GeForce RTX 4090")
_UNASKED = "nvidia-smi: Failed to initialize NVML: Driver/library version mismatch"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"lost_signs": ("rev ff",)}, "it does not answer"),
        ({"query_errors": ("nvidia-smi: Unable to determine the device handle",)}, "cannot read"),
        ({"mig_enabled": True}, "MIG is on"),
        ({"compute_mode": "Prohibited"}, "Prohibited"),
    ],
)
def test_a_card_that_no_server_can_use_is_left_out(changed: dict[str, Any], words: str) -> None:
    facts, (note,) = usable(_facts(replace(_gpu(0), **changed), _gpu(1)))
    assert _subjects(facts) == ["gpu1"]
    assert words in note


@pytest.mark.parametrize(("boot", "left"), [(0, ["gpu0"]), (-1, ["gpu0", "gpu1"])])
def test_a_card_that_the_driver_could_not_start_since_the_last_boot(
    boot: int, left: list[str]
) -> None:
    fault = KernelFault("rm-init-failed", "gpu1", "RmInitAdapter failed!", 10, boot, "", "")
    found = _facts(_gpu(0), _gpu(1))
    told, _ = usable(replace(found, host=Host(kernel_faults=(fault,))))
    assert _subjects(told) == left


@pytest.mark.parametrize(
    "error",
    [
        "nvidia-smi: Addressing Mode: Unknown Error",
        "nvmlDeviceGetX: NOT_SUPPORTED",
        "nvmlDeviceGetX: NO_PERMISSION",
    ],
)
def test_an_error_of_sound_cards_leaves_none_out(error: str) -> None:
    facts, notes = usable(_facts(replace(_gpu(0), query_errors=(error,))))
    assert _subjects(facts) == ["gpu0"]
    assert notes == ()


@pytest.mark.parametrize(
    ("host", "errors", "words"),
    [
        (Host(), (_UNASKED,), "version mismatch"),
        (Host(nouveau_loaded=True), (), "nouveau holds the cards"),
    ],
)
def test_a_driver_to_be_mended_is_said(host: Host, errors: tuple[str, ...], words: str) -> None:
    found = replace(_facts(replace(_gpu(0), query_errors=errors)), host=host)
    facts, (note,) = usable(found)
    assert _subjects(facts) == ["gpu0"]
    assert note.startswith("no card can be used until the host's driver is mended")
    assert words in note


def test_memory_in_use_that_was_not_read_is_said() -> None:
    _, (note,) = usable(_facts(_gpu(0), replace(_gpu(1), use=Missing("tool-failed"))))
    assert note == "what others hold of gpu1 was not read: counted as nothing"
    devices = cards.from_facts(_facts(_gpu(0), replace(_gpu(1), use=Missing("tool-failed"))))
    assert not isinstance(devices, Missing)
    assert [device.memory_used_gib for device in devices] == [0.0, None]


def test_a_card_for_the_screen_does_not_stop_the_plan() -> None:
    screen = replace(_gpu(1), name="NVIDIA GeForce GT 1030", catalog=Missing("not-present"))
    facts, (note,) = plannable(_facts(_gpu(0), screen))
    assert _subjects(facts) == ["gpu0"]
    assert note.endswith("is left out: its memory is not known")
    alone, _ = plannable(_facts(screen))
    assert isinstance(cards.from_facts(alone), Missing)


def test_cards_have_the_numbers_that_cuda_gives_them() -> None:
    """A dead card is not counted; one that is only left out is."""
    dead = replace(_gpu(0), lost_signs=("rev ff",))
    facts = _facts(dead, replace(_gpu(1), compute_mode="Prohibited"), _gpu(2), _gpu(3))
    left, _ = plannable(facts)
    devices = cards.from_facts(left, listed(facts))
    assert not isinstance(devices, Missing)
    assert [(one.subject, one.cuda_index) for one in devices] == [("gpu2", 1), ("gpu3", 2)]
    asked = Wish("0.32.0", layout=layout("tp2"))
    made = plan(lookup.find("llama-3.2-3b"), devices, asked, left)
    chosen = next(one for one in made.candidates if one.layout.name == "tp2")
    (instance,) = host_vars(made, chosen)["vllm_service_instances"]
    assert instance["gpus"] == [1, 2]


@pytest.mark.parametrize(
    ("used_gib", "name", "chosen"),
    [
        ((9, 0, 9, 11), "tp1", ["gpu1"]),
        ((9, 0, 9, 11), "split", ["gpu1"]),
        ((9, 0, 9, 0), "tp2", ["gpu1", "gpu3"]),
        ((0.3, 0, 0.3, 0), "tp2", ["gpu0", "gpu1"]),  # a desktop's share does no harm
        ((9, 9, 0, 0), "pp2", ["gpu2", "gpu3"]),
    ],
)
def test_a_free_card_goes_before_a_busy_one(
    used_gib: tuple[float, ...], name: str, chosen: list[str]
) -> None:
    four = cards.parse("4x RTX 2080 Ti")
    devices = tuple(
        replace(one, memory_used_gib=used) for one, used in zip(four, used_gib, strict=True)
    )
    (server,) = arrange(devices, layout(name)).servers
    assert [card.subject for card in server] == chosen


def test_a_plan_for_a_host_whose_driver_is_broken_is_not_judged() -> None:
    asked = Question("llama-3.2-3b", "0.32.0")
    sound = _facts(_gpu(0))
    assert answer(asked, sound).exit_status == 0
    broken = replace(sound, host=Host(nouveau_loaded=True))
    assert answer(asked, broken).exit_status == 3
    assert answer(replace(asked, model="llama-3.1-405b"), broken).exit_status == 1


@pytest.mark.parametrize(("code", "said"), [(79, ("Xid 79 in the kernel log",)), (43, ())])
def test_what_the_kernel_log_holds_against_a_card_is_said(code: int, said: tuple[str, ...]) -> None:
    event = XidEvent(code=code, message="", count=1, first="", last="", boot=-1)
    facts, notes = usable(_facts(replace(_gpu(0), xids=(event,))))
    assert _subjects(facts) == ["gpu0"]
    assert tuple(note[:24] for note in notes) == said


def _gpu(number: int) -> Gpu:
    return Gpu(
        f"gpu{number}",
        f"0000:0{number + 1}:00.0",
        name="NVIDIA GeForce RTX 4090",
        catalog=_4090,
        lost_signs=(),
        query_errors=(),
        use=GpuUse((), 0, 0),
    )


def _facts(*gpus: Gpu) -> Facts:
    return Facts(Host(), gpus)


def _subjects(facts: Facts) -> list[str]:
    assert isinstance(facts.gpus, tuple)
    return [gpu.subject for gpu in facts.gpus]
