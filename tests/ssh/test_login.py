from tests.ssh.conftest import Person, Sshd
from tests.transport.fake_probe import ANSWERS
from tests.transport.told import Told

from preflight.capture import Capture
from preflight.transport import Request, fetch_all


def test_a_key_of_the_person_lets_in(sshd: Sshd, person: Person) -> None:
    told = Told()
    [found] = fetch_all([sshd.target], Request(), told, ANSWERS)
    assert isinstance(found, Capture), found
