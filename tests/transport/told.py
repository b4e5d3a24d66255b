"""A progress that only remembers."""

from __future__ import annotations

from preflight.transport import Step


class Told:
    def __init__(self) -> None:
        self.steps: list[tuple[str, Step]] = []
        self.ended: list[tuple[str, str]] = []

    def __call__(self, host: str, step: Step, /) -> None:
        self.steps.append((host, step))

    def done(self, host: str, words: str, /) -> None:
        self.ended.append((host, words))
