"""Clients that ask all the time, and what became of each request."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass

from .client import Client
from .host import until

CLIENTS = 4
PAUSE_S = 0.05  # a server that starts meanwhile needs the processor too
BROKEN_OFF = 0  # instead of a status


@dataclass(frozen=True)
class Asked:
    began: float  # by time.monotonic
    status: int
    text: str


class Load:
    """`with` asks as long as its block lasts; a request that has begun is waited for."""

    def __init__(self, ask: Client) -> None:
        self.ask = ask
        self.asked: list[Asked] = []
        self._ended = threading.Event()
        self._clients = [threading.Thread(target=self._go_on) for _ in range(CLIENTS)]

    def __enter__(self) -> Load:
        for one in self._clients:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for one in self._clients:
            one.join()

    @property
    def lost(self) -> list[Asked]:
        return [one for one in self.asked if one.status != 200]

    def go_on(self, requests: int) -> None:
        """Return when so many more have got an answer, of whatever kind."""
        enough = len(self.asked) + requests
        until(lambda: len(self.asked) >= enough, f"{requests} more requests are answered")

    def __str__(self) -> str:
        return f"{len(self.lost)} of {len(self.asked)} requests lost"

    def _go_on(self) -> None:
        while not self._ended.wait(PAUSE_S):
            self.asked.append(self._once())

    def _once(self) -> Asked:
        began = time.monotonic()
        try:
            answer = self.ask.complete()
        except (OSError, http.client.HTTPException) as error:
            return Asked(began, BROKEN_OFF, repr(error))
        return Asked(began, answer.status, answer.text)
