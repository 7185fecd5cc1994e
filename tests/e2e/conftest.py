"""A real Asterisk for the tests of a session, phones for one test."""

import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from softswitch_config.credentials import Credentials, load_credentials
from softswitch_config.installation import Installation, find
from softswitch_config.local import LocalAsterisk
from softswitch_config.render import Folders, render
from switchroom.domain.ids import AgentId, QueueName
from switchroom.settings import Asterisk, Media, Settings, Sip
from tests.e2e.phones import Phones, free_port

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


def start_asterisk(installation: Installation, home: Path) -> RunningAsterisk:
    """A further Asterisk, for a test that stops it or breaks it; the caller stops it."""
    rtp = free_port() % 20000 // 500 * 500 + 30000
    settings = Settings(
        home=home,
        sip=Sip(port=free_port(), rtp_ports=(rtp, rtp + 499)),
        asterisk=Asterisk(ami_port=free_port(kind=socket.SOCK_STREAM)),
        media=Media(port=free_port(kind=socket.SOCK_STREAM)),
    )
    credentials = load_credentials(settings.secrets, AGENTS)
    render(settings, installation, credentials, agents=AGENTS, numbers=NUMBERS, fallback_queue=FALLBACK_QUEUE)
    local = LocalAsterisk(settings, installation)
    local.start()
    return RunningAsterisk(settings, credentials, local)


@pytest.fixture
def phones(asterisk: RunningAsterisk, tmp_path: Path) -> Iterator[Phones]:
    """Phones that end with the test."""
    made = Phones(asterisk.settings, dict(asterisk.credentials.sip_passwords), tmp_path)
    try:
        yield made
    finally:
        made.stop()
