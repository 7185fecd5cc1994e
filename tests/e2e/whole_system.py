"""The whole system on ports of its own, for tests that need all of it."""

import socket
from pathlib import Path

import pytest

from switchroom.settings import Settings
from tests.e2e.phones import free_port


def own_settings(monkeypatch: pytest.MonkeyPatch, home: Path) -> Settings:
    """Settings with free ports and an own home, in the environment too: the server's process reads them there."""
    first_rtp = free_port()
    environment = {
        "SWITCHROOM_HOME": str(home),
        "SWITCHROOM_RECORDINGS": str(home / "recordings"),
        "SWITCHROOM_HTTP__PORT": str(free_port(kind=socket.SOCK_STREAM)),
        "SWITCHROOM_MEDIA__PORT": str(free_port(kind=socket.SOCK_STREAM)),
        "SWITCHROOM_SIP__PORT": str(free_port()),
        "SWITCHROOM_SIP__RTP_PORTS": f"[{min(first_rtp, 60000)}, {min(first_rtp, 60000) + 400}]",
        "SWITCHROOM_ASTERISK__AMI_PORT": str(free_port(kind=socket.SOCK_STREAM)),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


