"""A real Asterisk for the tests of a session, phones for one test."""

import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.softphone import Softphone
from softswitch_config.credentials import Credentials, load_credentials
from softswitch_config.installation import Installation, find
from softswitch_config.local import LocalAsterisk
from softswitch_config.render import Folders, render
from switchroom.domain.ids import AgentId, QueueName
from switchroom.runtime.settings import Asterisk, Media, Settings, Sip
from telephony.softswitch.ami import AmiSoftswitch
from telephony.softswitch.port import Softswitch
from tests.e2e.menu_server import MenuServer
from tests.e2e.phones import CARRIER, Phones, free_port
from tests.e2e.switch import Switch
from tests.e2e.whole_system import Running, own_settings, whole_system
from tests.e2e.worlds import FakeWorld, RealWorld, World, observed

AGENTS = tuple(AgentId(str(number)) for number in range(1001, 1011))
NUMBERS = ("4008123123", "4008123124")
FALLBACK_QUEUE = QueueName("general")


@dataclass(frozen=True)
class RunningAsterisk:
    """An Asterisk that runs for tests, with what is needed to reach it.

    Its menu connects to ``settings.media``: a test that wants a menu serves WebSocket ``/media`` there.
    """

    settings: Settings
    credentials: Credentials
    local: LocalAsterisk

    @property
    def recordings(self) -> Path:
        return Folders.of(self.settings).monitor


@pytest.fixture(scope="session")
def installation() -> Installation:
    tree = Asterisk().tree
    found = find(tree)
    assert found is not None, f"no Asterisk in {tree}: run script/setup first"
    return found


@pytest.fixture(scope="session")
def asterisk(installation: Installation) -> Iterator[RunningAsterisk]:
    """One Asterisk on ports of its own, for the whole session."""
    with tempfile.TemporaryDirectory(prefix="switchroom-") as home:
        running = start_asterisk(installation, Path(home))
        try:
            yield running
        finally:
            running.local.stop()


def start_asterisk(
    installation: Installation, home: Path, *, longest_visit_s: int = 600, max_calls: int | None = None
) -> RunningAsterisk:
    """A further Asterisk, for a test that stops it or breaks it; the caller stops it."""
    rtp = free_port() % 20000 // 500 * 500 + 30000
    settings = Settings(
        home=home,
        sip=Sip(port=free_port(), rtp_ports=(rtp, rtp + 499), max_calls=max_calls),
        asterisk=Asterisk(ami_port=free_port(kind=socket.SOCK_STREAM)),
        media=Media(port=free_port(kind=socket.SOCK_STREAM), longest_visit_s=longest_visit_s),
    )
    credentials = load_credentials(settings.secrets, AGENTS)
    render(settings, installation, credentials, phones=AGENTS, numbers=NUMBERS, fallback_queue=FALLBACK_QUEUE)
    local = LocalAsterisk(settings, installation)
    local.start()
    return RunningAsterisk(settings, credentials, local)


class Softphones:
    """Makes scriptable softphones that end with the test."""

    def __init__(self, running: RunningAsterisk) -> None:
        self._running = running
        self._made: list[Softphone] = []

    def agent(self, agent: AgentId, *, answer_after_s: float | None = 0.2, busy: bool = False) -> Softphone:
        """An agent's phone, registered when this returns."""
        password = self._running.credentials.sip_passwords[agent]
        return self._started(Softphone(self._server, agent, password, answer_after_s=answer_after_s, busy=busy))

    def customer(self, number: str = "13800138000") -> Softphone:
        """A customer behind the carrier."""
        return self._started(Softphone(self._server, number, bind=CARRIER))

    @property
    def _server(self) -> tuple[str, int]:
        return (self._running.settings.sip.host, self._running.settings.sip.port)

    def _started(self, phone: Softphone) -> Softphone:
        phone.start()
        self._made.append(phone)
        return phone

    def stop(self) -> None:
        for phone in self._made:
            phone.stop()


@pytest.fixture
def softphones(asterisk: RunningAsterisk) -> Iterator[Softphones]:
    made = Softphones(asterisk)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(params=["fake", "asterisk"])
async def world(
    request: pytest.FixtureRequest, asterisk: RunningAsterisk, softphones: Softphones
) -> AsyncIterator[World]:
    """What surrounds a softswitch, for what both kinds keep."""
    if request.param == "fake":
        yield FakeWorld()
        return
    real = RealWorld(asterisk, softphones)
    await real.menu.start()
    yield real
    await real.menu.stop()


@pytest.fixture
def phones(asterisk: RunningAsterisk, tmp_path: Path) -> Iterator[Phones]:
    """Phones that end with the test."""
    made = Phones(asterisk.settings, dict(asterisk.credentials.sip_passwords), tmp_path)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def softswitch(request: pytest.FixtureRequest) -> Softswitch:
    """Of the test's ``world``, where it has one; or else the real one alone."""
    if "world" in request.fixturenames:
        world: World = request.getfixturevalue("world")
        return world.softswitch
    asterisk: RunningAsterisk = request.getfixturevalue("asterisk")
    ami = asterisk.settings.asterisk
    secret = asterisk.credentials.ami_secret
    return AmiSoftswitch(ami.ami_host, ami.ami_port, ami.ami_user, secret, Folders.of(asterisk.settings).journal)


@pytest.fixture
async def switch(softswitch: Softswitch) -> AsyncIterator[Switch]:
    made = await observed(softswitch)
    yield made
    await made.hang_up_all()
    await made.softswitch.stop()
    assert not made.softswitch.connected


@pytest.fixture
async def menu(asterisk: RunningAsterisk) -> AsyncIterator[MenuServer]:
    server = MenuServer(asterisk.settings.media)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def short_home() -> Iterator[Path]:
    """A home for a whole system; its path is short, as Asterisk's control socket needs it."""
    with tempfile.TemporaryDirectory(prefix="switchroom-") as home:
        yield Path(home)


@pytest.fixture
async def running(monkeypatch: pytest.MonkeyPatch, short_home: Path) -> AsyncIterator[Running]:
    async with whole_system(own_settings(monkeypatch, short_home)) as found:
        await found.stage.agent("1001", voice="agent-zh", closes_as="resolved")
        yield found
