"""Logging in: tries each key in turn, then asks the person, where there is one to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from paramiko import SSHException, Transport
from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType

from preflight.capture import plain
from preflight.errors import LoginRefused
from preflight.transport.identities import Agent, Identities, Offer, gather, unlock
from preflight.transport.request import Ask
from preflight.transport.ssh_config import Route

_ASKED = 3  # NumberOfPasswordPrompts, as ssh has it


class Login:
    """One host's login, in the shape that SSHClient.connect takes as `auth_strategy`."""

    def __init__(self, route: Route, ask: Ask | None) -> None:
        self._route = route
        self._ask = ask
        self._tried: list[str] = []
        self._unusable: list[str] = []
        self._allowed: list[str] = []  # methods that the server named

    def authenticate(self, transport: Transport) -> None:
        """Return logged in, or raise LoginRefused naming what was tried."""
        agent = self._agent()
        try:
            identities = gather(self._route, agent)
            self._unusable += identities.unusable
            for offer in self._all_offers(identities):
                if self._is_in(transport, offer.shown, partial(self._offer, transport, offer)):
                    return
                if "publickey" not in (self._allowed or ["publickey"]):
                    break
            self._learn_methods(transport)
            if not self._ask_in(transport):
                raise self.refused()
        finally:
            if agent:
                agent.close()

    def refused(self, why: str = "") -> LoginRefused:
        """The error for a login that led nowhere; `why` says how it broke off."""
        route = self._route
        words = [f"{route.label}: login as {route.user} refused" + (f" ({why})" if why else "")]
        words.append(
            "tried " + ", ".join(self._tried) if self._tried else "there was no key to try"
        )
        if self._unusable:
            words.append("not tried: " + ", ".join(self._unusable))
        if self._allowed:
            words.append("the host takes " + plain(", ".join(self._allowed))[:100])
        return LoginRefused("; ".join(words), self._hint(bool(why)))

    def _hint(self, broke_off: bool) -> str:
        if broke_off and len(self._tried) > 1:  # sshd's MaxAuthTries
            return (
                "too many keys were tried: IdentitiesOnly and IdentityFile in ssh_config name one"
            )
        if "passphrase" in "".join(self._unusable):
            return "add the key to an agent (ssh-add), or run on a terminal to be asked"
        port, user, host = self._route.port, self._route.user, self._route.hostname
        return f"ssh -p {port} {user}@{host} must work; IdentityFile in ssh_config names a key"

    def _agent(self) -> Agent | None:
        path = self._route.agent_socket
        if not path:
            return None
        try:
            return Agent(path)
        except (OSError, SSHException) as error:
            self._unusable.append(f"agent at {path} ({error})")
            return None

    def _all_offers(self, identities: Identities) -> Iterator[Offer]:
        yield from identities.offers
        for path in identities.locked:
            if self._ask is None:
                self._unusable.append(f"{path} (needs a passphrase, and there is no terminal)")
                continue
            for _ in range(_ASKED):
                passphrase = self._ask(f"passphrase for {path}: ")
                if not passphrase:
                    break
                if offers := unlock(path, passphrase, self._route):
                    yield from offers
                    break
            else:
                self._unusable.append(f"{path} (wrong passphrase)")

    def _offer(self, transport: Transport, offer: Offer) -> list[str]:
        offer.key.public_blob = offer.certificate
        return transport.auth_publickey(self._route.user, offer.key)

    def _is_in(self, transport: Transport, shown: str, attempt: Callable[[], list[str]]) -> bool:
        """Make one attempt; raises where the connection did not survive it."""
        self._tried.append(shown)
        try:
            further = attempt()
        except BadAuthenticationType as error:
            self._allowed = error.allowed_types
            return False
        except SSHException as error:
            if not transport.is_active():
                raise self.refused(f"it hung up after {len(self._tried)} tries") from error
            return False
        if further:  # a second factor is wanted
            self._allowed = further
            return self._ask_in(transport)
        return True

    def _learn_methods(self, transport: Transport) -> None:
        """Which methods the server takes, asked only once the keys have led nowhere."""
        if not self._allowed and transport.is_active():
            try:
                transport.auth_none(self._route.user)
            except BadAuthenticationType as error:
                self._allowed = error.allowed_types
            except AuthenticationException as error:
                raise self.refused(plain(str(error))[:200]) from error

    def _ask_in(self, transport: Transport) -> bool:
        if self._ask is None or transport.is_authenticated():
            return transport.is_authenticated()
        ask, user, methods = self._ask, self._route.user, list(self._allowed)

        def password() -> list[str]:
            answer = ask(f"{self._route.address}'s password: ")
            return transport.auth_password(user, answer, fallback=False)

        def interactive() -> list[str]:
            return transport.auth_interactive(user, self._answer)

        attempts = {"keyboard-interactive": interactive, "password": password}
        for method, attempt in attempts.items():
            for _ in range(_ASKED if method in methods else 0):
                if self._is_in(transport, method, attempt):
                    return True
        return False

    def _answer(self, title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
        assert self._ask is not None
        return [self._ask(f"{self._route.address}: {plain(text)[:200]}") for text, _ in prompts]
