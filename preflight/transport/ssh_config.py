"""How a host is reached, as ssh itself would: aliases, Include, Match, jumps, keys, known hosts.

`ssh -G` is asked where there is an ssh program: no other reader of ssh_config knows all of it.
Without one, paramiko reads the files; it knows neither Include nor all of Match.
"""

from __future__ import annotations

import getpass
import os
import pwd
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from preflight.capture import plain
from preflight.errors import UsageError
from preflight.transport.target import Target
from preflight.transport.target import parse as parse_target

Settings = Mapping[str, Sequence[str]]  # ssh_config's words in small letters -> each value given
_CONNECT_TIMEOUT_S = 15.0  # where ConnectTimeout is not set; ssh itself waits as long as TCP does
_MAX_JUMPS = 8  # of one host; more is a loop in ssh_config
_DEFAULTS: Settings = {
    "identityfile": [f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ed25519")],
    "userknownhostsfile": ["~/.ssh/known_hosts ~/.ssh/known_hosts2"],
    "globalknownhostsfile": ["/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"],
}


@dataclass(frozen=True)
class Route:
    """Everything that is needed to connect to one host, paths and tokens expanded."""

    typed: str
    hostname: str
    port: int
    user: str
    jump: Route | None
    proxy_command: str  # "" where there is none
    connect_timeout_s: float
    identity_files: tuple[Path, ...]
    certificate_files: tuple[Path, ...]
    identities_only: bool
    agent_socket: str  # "" where no agent is to be used
    known_hosts_files: tuple[Path, ...]  # the user's, the first of which is written to
    global_known_hosts_files: tuple[Path, ...]
    host_key_alias: str  # "" where there is none
    accepts_new_host_keys: bool  # StrictHostKeyChecking accept-new or no
    hash_known_hosts: bool

    @property
    def address(self) -> str:
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return f"{self.user}@{host}:{self.port}"

    @property
    def label(self) -> str:
        """The host as typed, with what it resolved to where that is another name."""
        is_alias = parse_target(self.typed).host != self.hostname
        return f"{self.typed} ({self.address})" if is_alias else self.typed

    @property
    def known_as(self) -> str:
        """The name that known_hosts files hold it by."""
        if self.host_key_alias:
            return self.host_key_alias.lower()
        name = self.hostname.lower()
        return name if self.port == 22 else f"[{name}]:{self.port}"


def resolve(target: Target, via: Sequence[str] | None = None, depth: int = 0) -> Route:
    """The way to a host; UsageError where ssh_config itself is wrong.

    `via` are the jump hosts before this one, instead of those that its own configuration names.
    """
    if depth > _MAX_JUMPS:
        raise UsageError(
            f"{target.typed}: more than {_MAX_JUMPS} jump hosts, which must be a loop",
            "look at ProxyJump in ssh_config: ssh -G HOST | grep proxyjump",
        )
    settings = _settings(target)
    _refuse_unsupported(target, settings)
    jumps = _jumps(settings) if via is None else list(via)
    jump = resolve(parse_target(jumps[-1]), jumps[:-1] or None, depth + 1) if jumps else None
    return _route(target, settings, jump)


def _route(target: Target, settings: Settings, jump: Route | None) -> Route:
    hostname = _one(settings, "hostname", target.host)
    user = target.user or _one(settings, "user", getpass.getuser())
    port = target.port or int(_one(settings, "port", "22"))
    tokens = _tokens(target.host, hostname, user, port)

    def paths(word: str) -> tuple[Path, ...]:
        values = [part for value in settings.get(word, ()) for part in _words(word, value)]
        return tuple(Path(_expand(value, tokens)) for value in values if value != "none")

    proxy = _one(settings, "proxycommand", "none")
    timeout = _one(settings, "connecttimeout", "none")
    checking = _one(settings, "stricthostkeychecking", "ask")
    return Route(
        typed=target.typed,
        hostname=hostname,
        port=port,
        user=user,
        jump=jump,
        proxy_command="" if proxy == "none" or jump else _replace_tokens(proxy, tokens),
        connect_timeout_s=float(timeout.isdigit() and timeout) or _CONNECT_TIMEOUT_S,
        identity_files=paths("identityfile"),
        certificate_files=paths("certificatefile"),
        identities_only=_one(settings, "identitiesonly", "no") == "yes",
        agent_socket=_agent_socket(_one(settings, "identityagent", "SSH_AUTH_SOCK"), tokens),
        known_hosts_files=paths("userknownhostsfile"),
        global_known_hosts_files=paths("globalknownhostsfile"),
        host_key_alias=_one(settings, "hostkeyalias", ""),
        accepts_new_host_keys=checking in ("accept-new", "no", "off", "false"),
        hash_known_hosts=_one(settings, "hashknownhosts", "no") == "yes",
    )


def _refuse_unsupported(target: Target, settings: Settings) -> None:
    """What would be less safe if it were passed over in silence."""
    if _one(settings, "revokedhostkeys", "none") != "none":
        raise UsageError(
            f"{target.typed}: RevokedHostKeys is set in ssh_config and not supported here",
            "write the revoked keys into known_hosts as @revoked lines",
        )


def _settings(target: Target) -> Settings:
    program = shutil.which("ssh")
    return _ask_ssh(program, target) if program else _read_files(target)


def _ask_ssh(program: str, target: Target) -> Settings:
    argv = [program, "-G"]
    argv += ["-p", str(target.port)] if target.port else []
    argv += ["-l", target.user] if target.user else []
    # A Match exec of the user's own may take its time, but not forever.
    try:
        done = subprocess.run(
            [*argv, "--", target.host], stdin=subprocess.DEVNULL, capture_output=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{target.typed}: ssh -G did not answer: {error}") from error
    if done.returncode:
        words = plain(done.stderr.decode(errors="replace")).strip().splitlines() or ["no reason"]
        raise UsageError(
            f"{target.typed}: ssh_config is not understood: {words[0][:200]}",
            f"ssh -G {target.host} says the same",
        )
    settings: dict[str, list[str]] = {}
    for line in done.stdout.decode(errors="replace").splitlines():
        word, _, value = line.partition(" ")
        settings.setdefault(word.lower(), []).append(value.strip())
    return settings


def _read_files(target: Target) -> Settings:
    from paramiko import SSHConfig
    from paramiko.ssh_exception import ConfigParseError, CouldNotCanonicalize

    config = SSHConfig()
    try:
        for path in (Path(_home(), ".ssh/config"), Path("/etc/ssh/ssh_config")):
            if path.is_file():
                with path.open() as file:
                    config.parse(file)
        found = config.lookup(target.host)
    except (ConfigParseError, CouldNotCanonicalize, OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{target.typed}: ssh_config is not understood: {error}") from error
    given = {word: v if isinstance(v, list) else [v] for word, v in found.items()}
    return {**_DEFAULTS, **given}


def _jumps(settings: Settings) -> list[str]:
    value = _one(settings, "proxyjump", "none")
    hops = [] if value == "none" else value.split(",")
    # ssh -G puts names into brackets too, which elsewhere hold IPv6 only.
    return [re.sub(r"\[([^]:]*)\]", r"\1", hop.removeprefix("ssh://")) for hop in hops]


def _one(settings: Settings, word: str, default: str) -> str:
    return next(iter(settings.get(word, ())), default) or default


def _words(word: str, value: str) -> list[str]:
    """Lists of known_hosts files stand on one line; other paths may hold spaces."""
    return shlex.split(value) if word.endswith("knownhostsfile") else [value.strip('"')]


def _tokens(typed: str, hostname: str, user: str, port: int) -> Mapping[str, str]:
    local = socket.gethostname()
    return {
        "%": "%",
        "d": _home(),
        "h": hostname,
        "i": str(os.getuid()),
        "k": typed,
        "L": local.partition(".")[0],
        "l": local,
        "n": typed,
        "p": str(port),
        "r": user,
        "u": getpass.getuser(),
    }


def _replace_tokens(value: str, tokens: Mapping[str, str]) -> str:
    return re.sub(r"%(.)", lambda found: tokens.get(found[1], found[0]), value)


def _expand(value: str, tokens: Mapping[str, str]) -> str:
    """Tokens, `~` and `${NAME}`; a variable that is not set stays as it is."""
    value = _replace_tokens(value, tokens)
    value = re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], found[0]), value)
    return re.sub(r"^~(?=/|$)", _home(), value)


def _home() -> str:
    """As ssh takes it: from the user database, not from $HOME."""
    return pwd.getpwuid(os.getuid()).pw_dir


def _agent_socket(value: str, tokens: Mapping[str, str]) -> str:
    if value == "none":
        return ""
    if value == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK", "")
    if re.fullmatch(r"\$\w+", value):
        return os.environ.get(value[1:], "")
    return _expand(value, tokens)
