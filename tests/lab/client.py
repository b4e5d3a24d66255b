"""A client of what is served: HTTPS with the proxy's own authority, and the key."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .host import Host
from .told import NAME, PORT

AUTHORITY = "/var/lib/load-balancer/pki/authorities/local/root.crt"
PROMPT = "the quick brown"


@dataclass(frozen=True)
class Answer:
    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Client:
    """Speaks to one public port; trusts the certificate `authority` and nothing else."""

    address: str
    authority: str
    key: str = ""
    port: int = PORT

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def post(self, path: str, question: object) -> Answer:
        return self._ask("POST", path, question)

    def complete(self, model: str = NAME, tokens: int = 4) -> Answer:
        question = {"model": model, "prompt": PROMPT, "max_tokens": tokens}
        return self.post("/v1/completions", question)

    def stream(self, model: str = NAME, tokens: int = 4) -> Iterator[str]:
        """The events of a chat, as they come."""
        question = {
            "model": model,
            "messages": [{"role": "user", "content": PROMPT}],
            "max_tokens": tokens,
            "stream": True,
        }
        connection = self._connection()
        connection.request("POST", "/v1/chat/completions", json.dumps(question), self._headers())
        response = connection.getresponse()
        for line in response:
            if line.startswith(b"data: "):
                yield line[6:].decode().strip()
        connection.close()

    def _ask(self, method: str, path: str, question: object = None) -> Answer:
        connection = self._connection()
        body = None if question is None else json.dumps(question)
        try:
            connection.request(method, path, body, self._headers())
            response = connection.getresponse()
            return Answer(response.status, response.read().decode(errors="replace"))
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        known = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return {"Content-Type": "application/json", **known}

    def _connection(self) -> http.client.HTTPSConnection:
        trusted = ssl.create_default_context(cadata=self.authority)
        return http.client.HTTPSConnection(self.address, self.port, timeout=60, context=trusted)


def client(host: Host, key: str, port: int = PORT, authority: str = AUTHORITY) -> Client:
    """One that trusts the authority which that host made for itself."""
    return Client(host.address, host.text(authority), key, port)
