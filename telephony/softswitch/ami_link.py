"""A lasting AMI connection: logs in, pings, and connects again when it is lost."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from telephony.softswitch.ami_protocol import AmiProtocol
from telephony.softswitch.port import SwitchError
from telephony.softswitch.translate import Message, text

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiTiming:
    """Deadlines and pauses, in seconds."""

    connect_s: float = 5.0
    boot_s: float = 60.0
    """Asterisk takes a login before it is fully booted."""
    action_s: float = 3.0
    ping_every_s: float = 0.2
    """Not only to notice a dead peer: Asterisk 22.10.1 can keep an event until something moves (asterisk#2145)."""
    first_backoff_s: float = 0.2
    longest_backoff_s: float = 5.0


class AmiLink:
    """``on_up`` after every login, ``on_down`` after every loss of one; events only in between, in order."""

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        secret: str,
        timing: AmiTiming,
        *,
        on_up: Callable[[], None],
        on_down: Callable[[], None],
        on_event: Callable[[Message], None],
    ) -> None:
        self._host, self._port, self._user, self._secret = host, port, user, secret
        self._timing = timing
        self._on_up, self._on_down, self._on_event = on_up, on_down, on_event
        self._protocol: AmiProtocol | None = None
        self._booted = asyncio.Event()
        self._started_at: float | None = None

    @property
    def up(self) -> bool:
        return self._protocol is not None and self._booted.is_set() and not self._protocol.lost.done()

    @property
    def uptime_s(self) -> float | None:
        """How long Asterisk has been running, to a second; None when it did not say at the login."""
        return None if self._started_at is None else asyncio.get_running_loop().time() - self._started_at

    async def request(self, *actions: Mapping[str, str], timeout_s: float | None = None) -> list[Sequence[Message]]:
        """See `AmiProtocol.request`; raises SwitchError when not connected."""
        if self._protocol is None or not self.up:
            raise SwitchError("not connected to Asterisk")
        return await self._protocol.request(*actions, timeout_s=timeout_s or self._timing.action_s)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        backoff_s = self._timing.first_backoff_s
        while True:
            try:
                await self._log_in()
                backoff_s = self._timing.first_backoff_s
                await self._keep_alive()
            except (OSError, TimeoutError, SwitchError) as error:
                log.warning("ami.connection_failed", host=self._host, port=self._port, reason=str(error))
            finally:
                self._drop()
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, self._timing.longest_backoff_s)

    async def _log_in(self) -> None:
        async with asyncio.timeout(self._timing.connect_s):
            _, protocol = await asyncio.get_running_loop().create_connection(
                lambda: AmiProtocol(self._take), self._host, self._port
            )
        self._protocol = protocol
        login = {"Action": "Login", "Username": self._user, "Secret": self._secret}
        ((answer,),) = await protocol.request(login, timeout_s=self._timing.action_s)
        if text(answer, "Response") != "Success":
            log.error("ami.login_refused", host=self._host, port=self._port, user=self._user)
            raise SwitchError("login refused")
        booted = asyncio.ensure_future(self._booted.wait())
        try:
            await asyncio.wait(
                (booted, protocol.lost), timeout=self._timing.boot_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            booted.cancel()
        if not self._booted.is_set():
            raise SwitchError("Asterisk did not finish booting")

    async def _keep_alive(self) -> None:
        """Ping until the connection is lost; a ping without an answer is a loss (SwitchError)."""
        protocol = self._protocol
        assert protocol is not None
        while not protocol.lost.done():
            await protocol.request({"Action": "Ping"}, timeout_s=self._timing.action_s)
            await asyncio.wait((protocol.lost,), timeout=self._timing.ping_every_s)

    def _take(self, message: Message) -> None:
        if text(message, "Event") == "FullyBooted":
            # Told at every login. Events before it are older than the snapshot that follows.
            if not self._booted.is_set():
                uptime_s = text(message, "Uptime")
                now = asyncio.get_running_loop().time()
                self._started_at = now - int(uptime_s) if uptime_s.isdecimal() else None
                self._booted.set()
                log.info("ami.connected", host=self._host, port=self._port)
                self._on_up()
        elif self._booted.is_set():
            self._on_event(message)

    def _drop(self) -> None:
        was_up = self._booted.is_set()
        if self._protocol is not None:
            self._protocol.close()
            self._protocol = None
        self._booted.clear()
        if was_up:
            log.warning("ami.disconnected", host=self._host, port=self._port)
            self._on_down()
