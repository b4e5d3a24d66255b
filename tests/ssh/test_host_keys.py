"""Is it the host that it was? Asked before any login, of real servers with real keys."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.errors import CannotJudge, HostKeyChanged, HostKeyUnknown, UsageError
from tests.ssh.conftest import LOOPBACK, Person, Sshd, certify, keygen
from tests.ssh.look import lets_in, look, refuses

Server = Callable[..., Sshd]


@pytest.fixture
def stranger(server: Server) -> Sshd:
    """A server that the person has never seen."""
    sshd: Sshd = server().start()
    return sshd


def fingerprint(sshd: Sshd, kind: str = "ed25519") -> str:
    argv = ["ssh-keygen", "-l", "-f", f"{sshd.host_keys[kind]}.pub"]
    told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    return told.split()[1]


def logins(sshd: Sshd) -> int:
    return (sshd.folder / "log").read_text().count("Accepted publickey")


def test_an_unknown_key_is_shown_and_refused_before_any_login(stranger: Sshd) -> None:
    text = refuses(stranger.target, HostKeyUnknown)
    assert f"never seen before: ED25519 {fingerprint(stranger)}" in text
    assert logins(stranger) == 0


def test_the_hint_says_how_to_accept(stranger: Sshd, person: Person) -> None:
    found = look(stranger.target)
    assert isinstance(found, HostKeyUnknown)
    assert "--accept-new-host-key" in found.hint
    assert not person.known_hosts.exists()


@pytest.mark.parametrize("hashed", ["yes", "no"])
def test_accepting_remembers_so_that_ssh_knows_it_too(
    stranger: Sshd, person: Person, hashed: str
) -> None:
    person.write_config("", more=f"  HashKnownHosts {hashed}\n")
    lets_in(stranger.target, accept_new_host_key=True)
    assert (stranger.known_as in person.known_hosts.read_text()) is (hashed == "no")
    lets_in(stranger.target)
    argv = ["ssh", "-o", "StrictHostKeyChecking=yes", "-p", str(stranger.port), LOOPBACK, "true"]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    lets_in(stranger.target, accept_new_host_key=True)
    assert len(person.known_hosts.read_text().splitlines()) == 1


def test_a_changed_key_is_refused_whatever_was_asked_for(sshd: Sshd, person: Person) -> None:
    old = fingerprint(sshd)
    sshd.stop()
    keygen(sshd.host_keys["ed25519"])
    sshd.start()
    person.write_config("", more="  StrictHostKeyChecking no\n")
    text = refuses(sshd.target, HostKeyChanged, accept_new_host_key=True)
    assert f"now ED25519 {fingerprint(sshd)}, known is ED25519 {old}" in text
    assert logins(sshd) == 0
    assert len(person.known_hosts.read_text().splitlines()) == 1


@pytest.mark.parametrize("known", ["ed25519", "ecdsa", "rsa"])
def test_the_known_type_of_key_is_asked_for(server: Server, person: Person, known: str) -> None:
    """The host offers three; whichever is known must not look like a change."""
    sshd = server("rsa", "ecdsa", "ed25519").start()
    person.knows(sshd, known)
    lets_in(sshd.target)


def test_another_type_of_key_than_the_known_one_is_a_change(server: Server, person: Person) -> None:
    """Whoever is in between cannot choose a type that was never seen."""
    sshd = server("rsa").start()
    keygen(sshd.folder / "host_ed25519")
    sshd.host_keys["ed25519"] = sshd.folder / "host_ed25519"
    person.knows(sshd, "ed25519")
    assert "now RSA" in refuses(sshd.target, HostKeyChanged, accept_new_host_key=True)


def test_hashed_names_in_known_hosts(sshd: Sshd, person: Person) -> None:
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", person.known_hosts], check=True)
    assert LOOPBACK not in person.known_hosts.read_text()
    lets_in(sshd.target)


def test_a_key_known_for_the_bare_name_holds_at_any_port(stranger: Sshd, person: Person) -> None:
    line = stranger.known_line("ed25519").replace(stranger.known_as, LOOPBACK)
    person.known_hosts.write_text(line)
    lets_in(stranger.target)
    argv = ["ssh", "-o", "StrictHostKeyChecking=yes", "-p", str(stranger.port), LOOPBACK, "true"]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)


def test_another_key_of_the_bare_name_is_no_change_at_this_port(
    stranger: Sshd, person: Person
) -> None:
    other = Path(f"{keygen(person.folder / 'other')}.pub").read_text()
    person.known_hosts.write_text(f"{LOOPBACK} {other}")
    refuses(stranger.target, HostKeyUnknown)


def test_a_revoked_key_is_refused(sshd: Sshd, person: Person) -> None:
    person.known_hosts.write_text(
        person.known_hosts.read_text() + f"@revoked * {sshd.known_line('ed25519').split(' ', 1)[1]}"
    )
    assert "@revoked" in refuses(sshd.target, HostKeyChanged, accept_new_host_key=True)
    assert logins(sshd) == 0


@pytest.mark.parametrize("checking", ["accept-new", "no"])
def test_ssh_config_may_accept_new_keys(stranger: Sshd, person: Person, checking: str) -> None:
    person.write_config("", more=f"  StrictHostKeyChecking {checking}\n")
    lets_in(stranger.target)
    assert stranger.known_as in person.known_hosts.read_text()


def test_a_host_key_alias_is_the_name_it_is_known_by(stranger: Sshd, person: Person) -> None:
    person.write_config("", more="  HostKeyAlias Rack7\n")
    person.known_hosts.write_text(
        stranger.known_line("ed25519").replace(stranger.known_as, "rack7")
    )
    lets_in(stranger.target)


def test_the_global_file_counts_and_is_never_written(stranger: Sshd, person: Person) -> None:
    shared = person.folder / "ssh_known_hosts"
    shared.write_text(stranger.known_line("ed25519"))
    person.write_config(f"Host *\n  GlobalKnownHostsFile {shared}\n")
    lets_in(stranger.target, accept_new_host_key=True)
    assert not person.known_hosts.exists()


def test_a_known_hosts_file_that_cannot_be_written_is_said(stranger: Sshd, person: Person) -> None:
    person.known_hosts.parent.joinpath("file").write_text("")
    person.write_config(f"Host *\n  UserKnownHostsFile {person.folder}/file/known_hosts\n")
    found = look(stranger.target, accept_new_host_key=True)
    assert isinstance(found, UsageError)
    assert "cannot be kept" in str(found)


def test_revoked_host_keys_of_ssh_config_are_not_passed_over(sshd: Sshd, person: Person) -> None:
    person.write_config("", more=f"  RevokedHostKeys {person.known_hosts}\n")
    assert "not supported" in refuses(sshd.target, UsageError)


class TestCertificates:
    """@cert-authority lines: one CA instead of a line for each host."""

    @pytest.fixture
    def ca(self, person: Person) -> Path:
        return keygen(person.folder / "host_ca")

    @pytest.fixture
    def start(self, server: Server, person: Person) -> Callable[..., Sshd]:
        def start(ca: Path, principal: str, *options: str, kind: str = "ed25519") -> Sshd:
            sshd: Sshd = server(kind)
            public = Path(f"{sshd.host_keys[kind]}.pub")
            signed = certify(ca, public, principal, *(options or ("-h",)))
            return sshd.start(f"HostCertificate {signed}")

        return start

    def trust(self, person: Person, ca: Path, names: str = "*", marker: str = "") -> None:
        public = Path(f"{ca}.pub").read_text()
        with person.known_hosts.open("a") as file:
            file.write(f"{marker or '@cert-authority'} {names} {public}")

    @pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
    @pytest.mark.parametrize("signer", ["ed25519", "ecdsa", "rsa"])
    def test_a_certificate_of_a_known_ca_proves_the_host(
        self, start: Callable[..., Sshd], person: Person, kind: str, signer: str
    ) -> None:
        ca = keygen(person.folder / "host_ca", signer)
        sshd = start(ca, LOOPBACK, kind=kind)
        refuses(sshd.target, HostKeyUnknown)
        self.trust(person, ca, "127.0.0.*")
        lets_in(sshd.target)

    def test_the_name_in_it_may_be_a_pattern(
        self, start: Callable[..., Sshd], person: Person, ca: Path
    ) -> None:
        sshd = start(ca, "127.0.*")
        self.trust(person, ca)
        lets_in(sshd.target)

    @pytest.mark.parametrize(
        ("principal", "options", "says"),
        [
            ("gpu01", ("-h",), "it is for gpu01, not for 127.0.0.1"),
            (LOOPBACK, ("-h", "-V", "20200101:20200102"), "it has expired"),
            (LOOPBACK, ("-h", "-V", "+52w:+53w"), "it is not valid yet"),
        ],
    )
    def test_one_that_does_not_prove_it_is_refused(
        self,
        start: Callable[..., Sshd],
        person: Person,
        ca: Path,
        principal: str,
        options: tuple[str, ...],
        says: str,
    ) -> None:
        sshd = start(ca, principal, *options)
        self.trust(person, ca)
        assert says in refuses(sshd.target, HostKeyUnknown, accept_new_host_key=True)
        assert logins(sshd) == 0
        assert person.known_hosts.read_text().count("\n") == 1

    def test_one_of_another_ca_is_refused(
        self, start: Callable[..., Sshd], person: Person, ca: Path
    ) -> None:
        sshd = start(keygen(person.folder / "other_ca"), LOOPBACK)
        self.trust(person, ca)
        assert "no known CA signed it" in refuses(sshd.target, HostKeyUnknown)

    def test_one_of_a_revoked_ca_is_refused(
        self, start: Callable[..., Sshd], person: Person, ca: Path
    ) -> None:
        sshd = start(ca, LOOPBACK)
        self.trust(person, ca)
        self.trust(person, ca, marker="@revoked")
        refuses(sshd.target, HostKeyUnknown)

    def test_a_ca_signing_with_sha1_is_refused(
        self, start: Callable[..., Sshd], person: Person
    ) -> None:
        ca = keygen(person.folder / "rsa_ca", "rsa")
        sshd = start(ca, LOOPBACK, "-h", "-t", "ssh-rsa")
        self.trust(person, ca)
        assert "signed with SHA-1" in refuses(sshd.target, HostKeyUnknown)

    def test_a_known_plain_key_still_counts_where_the_ca_signs_only_others(
        self, server: Server, person: Person, ca: Path
    ) -> None:
        sshd = server().start()
        self.trust(person, ca)
        person.knows(sshd)
        lets_in(sshd.target)


def test_fabrics_own_policy_is_gone(stranger: Sshd, person: Person) -> None:
    """Fabric trusts every key that it has not seen; nothing of that may be left."""
    person.known_hosts.write_text("")
    refuses(stranger.target, HostKeyUnknown)
    assert issubclass(HostKeyUnknown, CannotJudge)
    assert os.path.getsize(person.known_hosts) == 0
