"""SIP phones for tests, played by SIPp: the carrier's side of a call, and agents' phones.

The scenarios are in ``sipp/``. Each phone is one process in its own folder, on its own ports; what is started is
stopped by its pid when the test ends.
"""

import audioop
import socket
import subprocess
from pathlib import Path
from typing import Literal

import numpy as np

from switchroom.domain.ids import AgentId
from switchroom.runtime.settings import Settings
from tests.support.waiting import wait_until

SCENARIOS = Path(__file__).parent / "sipp"
CARRIER = "127.0.0.2"
CALLER_TONE_HZ, AGENT_TONE_HZ = 440.0, 1000.0

Behaviour = Literal["answers", "rings", "busy"]


def free_port(host: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A port that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def write_tone(path: Path, hz: float, seconds: float = 2.0) -> None:
    """One tone at -12 dBFS as raw A-law, which SIPp's ``rtp_stream`` plays."""
    samples = np.sin(2 * np.pi * hz * np.arange(int(8000 * seconds)) / 8000) * 32767 / 4
    path.write_bytes(audioop.lin2alaw(samples.astype("<i2").tobytes(), 2))


class SippPhone:
    """One SIPp process."""

    def __init__(self, scenario: str, settings: Settings, folder: Path, host: str, port: int, *options: str) -> None:
        self.port = port
        self.errors = folder / f"{scenario}-{port}.err"
        self._process = subprocess.Popen(
            [
                "sipp", f"{settings.sip.host}:{settings.sip.port}", "-sf", str(SCENARIOS / f"{scenario}.xml"),
                "-i", host, "-mi", host, "-p", str(port), "-m", "1", "-nostdin", "-aa",
                "-trace_err", "-error_file", str(self.errors), *options,
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def finished(self, timeout_s: float = 15.0) -> bool:
        """Wait for the scenario's end: True when everything went as the scenario says."""
        return self._process.wait(timeout_s) == 0

    def running(self) -> bool:
        return self._process.poll() is None

    def hang_up(self) -> None:
        """Die at once, as a phone without power: no BYE."""
        self.stop()

    def stop(self) -> None:
        if self.running():
            self._process.kill()
            self._process.wait()


class Phones:
    """Makes phones that belong to one test."""

    def __init__(self, settings: Settings, passwords: dict[AgentId, str], folder: Path) -> None:
        self._settings = settings
        self._passwords = passwords
        self._folder = folder
        self._phones: list[SippPhone] = []

    def call(self, number: str, caller: str = "13800138000", *, hold_s: float = 10.0, keys: str = "") -> SippPhone:
        """A customer calls ``number``, and hangs up ``hold_s`` after the answer unless hung up on before.

        With ``keys`` (0-9 * #) these are pressed a second after the answer, and no audio is sent.
        """
        write_tone(self._folder / "talk.al", CALLER_TONE_HZ)
        scenario, extra = ("caller_keys", ("-key", "keys", keys)) if keys else ("caller", ())
        hold_ms = str(round(hold_s * 1000))
        return self._start(
            scenario, CARRIER, free_port(CARRIER), "-s", number, "-key", "caller", caller,
            "-recv_timeout", hold_ms, "-mp", str(free_port(CARRIER)), *extra,
        )  # fmt: skip

    def agent(
        self, agent: AgentId, behaviour: Behaviour = "answers", *, ring_s: float = 0.2, hold_s: float = 20.0
    ) -> SippPhone:
        """An agent's phone, registered when this returns. ``answers``: after ``ring_s``, hangs up after ``hold_s``."""
        host, port = self._settings.sip.host, free_port(self._settings.sip.host)
        register = self._start("register", host, port, "-s", agent, "-au", agent, "-ap", self._passwords[agent])
        assert register.finished(), f"{agent} could not register"
        folder = self._folder / agent
        folder.mkdir(exist_ok=True)
        write_tone(folder / "talk.al", AGENT_TONE_HZ)
        timing = ("-d", str(round(ring_s * 1000)), "-recv_timeout", str(round(hold_s * 1000)))
        phone = self._start(f"agent_{behaviour}", host, port, "-mp", str(free_port(host)), *timing, folder=folder)
        wait_until(lambda: _is_bound(host, port), "the agent's phone listens")
        return phone

    def dial_out(self, agent: AgentId, number: str) -> SippPhone:
        """An agent's phone dials ``number``, with its password; finishes well when that is forbidden (403)."""
        account = ("-s", agent, "-au", agent, "-ap", self._passwords[agent])
        host = self._settings.sip.host
        return self._start("agent_dials", host, free_port(host), *account, "-key", "number", number)

    def _start(self, scenario: str, host: str, port: int, *options: str, folder: Path | None = None) -> SippPhone:
        phone = SippPhone(scenario, self._settings, folder or self._folder, host, port, *options)
        self._phones.append(phone)
        return phone

    def stop(self) -> None:
        for phone in self._phones:
            phone.stop()


def _is_bound(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False
