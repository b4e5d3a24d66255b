"""The power supplies carry the cards and the host for hours.

Why: a supply near its rating switches off at a peak, and the host is gone without a line in its
  log.
Fix: Lower the cards' limits (nvidia-smi -pl), or use a larger supply; preflight power says which.
Source: DMI's ratings (type 39) beside the sum of the cards' limits; processors and the rest are
  guesses. Half of several supplies must do, since the others stand in for them.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host, PowerBudget
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "psu-capacity"
SUBJECT = Host
REMEDY_CLASS = "replace"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `psu-capacity`."""

    pass_to: float = 0.8  # of the rating, for hours
    warn_to: float = 0.9  # of the rating, for hours
    socket_w: int = 200  # a processor (a guess)
    rest_w: int = 100  # board, memory, disks and fans (a guess)


def check(limits: Limits, *, power_budget: PowerBudget) -> Finding:
    told = power_budget
    load = round(told.cards_w + told.sockets * limits.socket_w + limits.rest_w)
    all_of_them = sum(told.ratings_w)
    safe = sum(sorted(told.ratings_w)[: (len(told.ratings_w) + 1) // 2])
    if load <= limits.pass_to * safe:
        status, rating = PASS, safe
    elif load <= limits.warn_to * all_of_them:
        status, rating = WARN, safe if load <= limits.warn_to * safe else all_of_them
    else:
        status, rating = FAIL, all_of_them
    words = f"{load} W of cards and host of {rating} W ({load / rating:.0%}), "
    if rating > safe:
        lost = len(told.ratings_w) // 2
        words += f"but {load / safe:.0%} of the {safe} W that {lost} failed would leave, "
    words += f"required {limits.pass_to:.0%}"
    return Finding(status, load, round(limits.pass_to * rating), "W", words, basis="inferred")
