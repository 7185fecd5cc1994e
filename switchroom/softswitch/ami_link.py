"""A lasting AMI connection: logs in, pings, and connects again when it is lost."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog

from switchroom.softswitch.ami_protocol import AmiProtocol
from switchroom.softswitch.port import SwitchError
from switchroom.softswitch.translate import Message, text

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S = 5.0
BOOT_TIMEOUT_S = 60.0
"""Asterisk takes the login before it is fully booted."""
ACTION_TIMEOUT_S = 3.0
PING_INTERVAL_S = 0.2
"""Not only to notice a dead peer: Asterisk 22.10.1 can keep an event until something moves (asterisk#2145)."""
FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 5.0


class AmiLink:
    """``on_up`` after every login, ``on_down`` after every loss of one; events only in between, in order."""

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        secret: str,
        *,
        on_up: Callable[[], None],
        on_down: Callable[[], None],
        on_event: Callable[[Message], None],
    ) -> None:
        self._host, self._port, self._user, self._secret = host, port, user, secret
        self._on_up, self._on_down, self._on_event = on_up, on_down, on_event
        self._protocol: AmiProtocol | None = None
        self._booted = asyncio.Event()

    @property
    def up(self) -> bool:
        return self._protocol is not None and self._booted.is_set() and not self._protocol.lost.done()

    async def request(
        self, *actions: Mapping[str, str], timeout_s: float = ACTION_TIMEOUT_S
    ) -> list[Sequence[Message]]:
        """See `AmiProtocol.request`; raises SwitchError when not connected."""
        if self._protocol is None or not self.up:
            raise SwitchError("not connected to Asterisk")
        return await self._protocol.request(*actions, timeout_s=timeout_s)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        backoff_s = FIRST_BACKOFF_S
        while True:
            try:
                await self._log_in()
                backoff_s = FIRST_BACKOFF_S
                await self._keep_alive()
            except (OSError, TimeoutError, SwitchError) as error:
                log.warning("ami.connection_failed", host=self._host, port=self._port, reason=str(error))
            finally:
                self._drop()
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, LONGEST_BACKOFF_S)

    async def _log_in(self) -> None:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, protocol = await asyncio.get_running_loop().create_connection(
                lambda: AmiProtocol(self._take), self._host, self._port
            )
        self._protocol = protocol
        login = {"Action": "Login", "Username": self._user, "Secret": self._secret}
        ((answer,),) = await protocol.request(login, timeout_s=ACTION_TIMEOUT_S)
        if text(answer, "Response") != "Success":
            log.error("ami.login_refused", host=self._host, port=self._port, user=self._user)
            raise SwitchError("login refused")
        async with asyncio.timeout(BOOT_TIMEOUT_S):
            await self._booted.wait()

    async def _keep_alive(self) -> None:
        """Ping until the connection is lost; a ping without an answer is a loss (SwitchError)."""
        protocol = self._protocol
        assert protocol is not None
        while not protocol.lost.done():
            await protocol.request({"Action": "Ping"}, timeout_s=ACTION_TIMEOUT_S)
            await asyncio.wait((protocol.lost,), timeout=PING_INTERVAL_S)

    def _take(self, message: Message) -> None:
        if text(message, "Event") == "FullyBooted":
            # Told at every login. Events before it are older than the snapshot that follows.
            if not self._booted.is_set():
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
