"""How long plays take, and of it what is nobody's but pip's and vLLM's: rows of bench/deploy.md.

python -m tests.lab.speed
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .deployed import deploy
from .laboratory import Laboratory
from .play import Controller, Played

PACKAGES = ("Install uv", "Install vLLM with its pins")
STARTS = ("Join the start of", "Ask for one token")  # the load of the model, and readiness
SLOWEST = 8


def rows(name: str, played: Played) -> list[str]:
    """Of one play: all of it, what is not ours, the rest; then the slowest tasks of the rest."""
    pip, start = played.seconds_in(*PACKAGES), played.seconds_in(*STARTS)
    rest = [task for task in played.tasks if not any(word in task[0] for word in PACKAGES + STARTS)]
    slowest = sorted(rest, key=lambda task: -task[1])[:SLOWEST]
    besides = played.seconds - pip - start
    total = f"| {name} | {played.seconds:.0f} | {pip:.0f} | {start:.0f} | {besides:.0f} |"
    return [total, *(f"|   {task} | {seconds:.1f} | | | |" for task, seconds in slowest)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Laboratory() as lab:
        controller = Controller(Path(folder))
        done = deploy(lab, controller, Path(folder))
        controller.close()
    print("| play | s | pip | start of vLLM | the rest |\n|---|---|---|---|---|")
    for name, played in (("check", done.checked), ("bare", done.first), ("again", done.second)):
        print(*rows(f"{name}, {len(played.tasks)} tasks", played), sep="\n")
    print(f"\nLoad of the machine, 2 cores: {os.getloadavg()}")


if __name__ == "__main__":
    main()
