"""Asterisk's logs do not grow with what strangers send."""

import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.system import System
from softswitch_config.installation import Installation
from softswitch_config.local import LocalAsterisk
from softswitch_config.render import Folders
from tests.e2e.whole_system import own_settings
from tests.support.waiting import eventually

LIMIT_BYTES, KEPT = 16 * 1024, 2
SHARE = 250
"""Packets sent at once; what does not fit Asterisk's socket buffer is lost, as in any flood."""
LONGEST_LINE = 600
"""Bytes that one packet can cause."""


def packet(number: int, *, sound: bool) -> bytes:
    """An INVITE of a stranger; one that is not ``sound`` does not even parse."""
    return (
        f"INVITE sip:4008123123@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.3:5999;branch=z9hG4bK{number}\r\n"
        f"From: <sip:a{number}@127.0.0.3>;tag={number}\r\nTo: <sip:4008123123@127.0.0.1>\r\nCall-ID: {number}\r\n"
        f"CSeq: {'1' if sound else 'x'} INVITE\r\nContact: <sip:a@127.0.0.3:5999>\r\nMax-Forwards: 70\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


class Flooded:
    """A whole system with small logs, and somebody who sends what nobody asked for."""

    def __init__(self, system: System, installation: Installation) -> None:
        self.system = system
        self.folder = Folders.of(system.settings).log
        self.asterisk = LocalAsterisk(system.settings, installation)

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.folder.iterdir())

    async def flood(self, packets: int = 2000) -> None:
        target = (self.system.settings.sip.host, self.system.settings.sip.port)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.3", 0))
            stranger.connect(target)
            for first in range(0, packets, SHARE):
                for number in range(first, min(first + SHARE, packets)):
                    stranger.send(packet(time.time_ns(), sound=number % 2 == 0))
                await eventually(lambda: not waiting_bytes(target[1]), "Asterisk has read them")


def waiting_bytes(port: int) -> int:
    """What waits in the socket of a UDP port (proc(5), net/udp)."""
    lines = Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]
    return sum(int(line.split()[4].split(":")[1], 16) for line in lines if line.split()[1].endswith(f":{port:04X}"))


@pytest.fixture
async def flooded(
    monkeypatch: pytest.MonkeyPatch, short_home: Path, installation: Installation
) -> AsyncIterator[Flooded]:
    monkeypatch.setenv("SWITCHROOM_ASTERISK__LOG_LIMIT_KB", str(LIMIT_BYTES // 1024))
    monkeypatch.setenv("SWITCHROOM_ASTERISK__LOGS_KEPT", str(KEPT))
    system = System(own_settings(monkeypatch, short_home))
    await system.start()
    try:
        yield Flooded(system, installation)
    finally:
        await system.stop()


async def test_given_two_thousand_bad_invites_then_asterisks_log_says_nothing_of_them(flooded: Flooded) -> None:
    before = flooded.size()
    await flooded.flood()
    assert flooded.size() == before


async def test_given_a_log_that_tells_of_each_of_them_then_it_and_its_old_ones_stay_within_the_bound(
    flooded: Flooded,
) -> None:
    flooded.asterisk.cli("logger add channel everything.log notice,warning,error")
    path = flooded.folder / "everything.log"
    old = [path.with_name(f"{path.name}.{number}") for number in range(1, KEPT + 1)]
    for _ in range(5):
        await flooded.flood(SHARE)
        await eventually(lambda: path.stat().st_size <= LIMIT_BYTES, "it was begun anew")
    assert all(one.exists() for one in old)
    assert not path.with_name(f"{path.name}.{KEPT + 1}").exists()
    assert flooded.size() <= LIMIT_BYTES + KEPT * (LIMIT_BYTES + SHARE * LONGEST_LINE)
    begun = path.stat()
    await flooded.flood(20)
    await eventually(lambda: path.stat().st_size > begun.st_size, "Asterisk writes on")
    assert path.stat().st_ino == begun.st_ino
    assert b"\0" not in path.read_bytes(), "at the new beginning, not behind a hole"
