"""The composition root: builds every part, wires them, starts them in order and stops them in the reverse.

Order of start: the ledger first (it must see every event), then whoever listens to calls, and the softswitch last:
its first word begins the reconciliation that takes up the calls of a server that died.
"""

import uuid
from contextlib import AsyncExitStack

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry

from acd.config import load_config
from acd.service import AcdService
from acd.store.memory import MemoryStore
from acd.store.port import Store
from acd.store.redis_store import RedisStore
from cti_bridge.api.app import create_app
from cti_bridge.api.hub import Hub
from cti_bridge.connectors.builtin import builtin
from cti_bridge.service import CtiBridge
from ivr.service import Ivr
from recordings.service import Recordings
from softswitch_config.credentials import AMI_SECRET, load_credentials
from softswitch_config.render import Folders
from switchroom.adapters import LedgerDips, surroundings
from switchroom.bus import Bus
from switchroom.calls import Calls
from switchroom.clock import Clock, SystemClock
from switchroom.domain.errors import UnknownCall
from switchroom.domain.events import AgentStateChanged, OfferMade
from switchroom.domain.ids import OfferId, QueueName
from switchroom.settings import Settings, SettingsError, port_taken
from switchroom.softswitch.ami import AmiSoftswitch
from switchroom.storage.contacts import Contacts
from switchroom.storage.database import Database
from switchroom.storage.ledger import Ledger
from switchroom.storage.presence import load_presence
from switchroom.tasks import TaskGroup

log = structlog.get_logger(__name__)


class Server:
    """One Switchroom server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._tasks = TaskGroup()

    @property
    def url(self) -> str:
        """Where the desktop and the API are."""
        return f"http://{self._settings.http.host}:{self._settings.http.port}"

    async def start(self) -> None:
        """Start everything. Raises an error of one sentence when something that is needed is not there."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Stop everything; calls go on in the softswitch."""
        await self._stack.aclose()

    async def _start(self) -> None:
        settings, stack = self._settings, self._stack
        clock, bus = SystemClock(), Bus()
        config = load_config(settings.dialplans)
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)

        database = Database(settings.database)
        stack.push_async_callback(database.close)
        await database.upgrade()
        ledger = Ledger(database, bus, clock)
        await ledger.start()
        stack.push_async_callback(ledger.stop)

        switch = AmiSoftswitch(
            settings.asterisk.ami_host, settings.asterisk.ami_port, settings.asterisk.ami_user, _ami_secret(settings)
        )
        calls = Calls(switch, bus, clock, config.fallback)
        store = _store(settings, clock)
        acd = AcdService(config, store, bus, clock, lambda: OfferId(uuid.uuid4().hex))
        acd.roster.restore(
            AgentStateChanged(
                at=known.since,
                agent_id=known.agent_id,
                state=known.state,
                reason=known.reason,
                call_id=known.call_id,
                until=known.until,
            )
            for known in await load_presence(database)
        )
        await acd.start()
        stack.push_async_callback(acd.stop)

        hub = Hub(ledger, clock)
        connectors = builtin(database)

        def queue_title(queue: QueueName, language: str | None) -> str:
            titles = config.queues[queue].title if queue in config.queues else {}
            return titles.get(language or "", next(iter(titles.values()), queue))

        bridge = CtiBridge(bus, clock, connectors, Contacts(database), hub, queue_title=queue_title)
        await bridge.start()
        stack.push_async_callback(bridge.stop)
        self._ring_after_pop(bus, bridge, calls)

        recordings = Recordings(Folders.of(settings).monitor, settings.recordings, bus, clock, ledger.flush)
        stack.push_async_callback(recordings.stop)

        ivr = Ivr(settings, calls, LedgerDips(database), surroundings(config))
        stack.push_async_callback(ivr.stop)
        await ivr.start()

        async def asterisk_answers() -> None:
            if not switch.connected:
                raise ConnectionError("not connected")

        checks = {"asterisk": asterisk_answers, "database": database.check}
        if isinstance(store, RedisStore):
            checks["redis"] = store.ping
        app = create_app(
            bus=bus,
            clock=clock,
            database=database,
            ledger=ledger,
            hub=hub,
            bridge=bridge,
            connectors=connectors,
            agents=acd,
            calls=calls,
            flows=ivr.flows,
            recordings=settings.recordings,
            checks=checks,
            registry=CollectorRegistry(),
            origins=settings.http.origins,
        )
        await calls.start()
        stack.push_async_callback(calls.stop)
        await self._listen(app)

    def _ring_after_pop(self, bus: Bus, bridge: CtiBridge, calls: Calls) -> None:
        """The record is on the screen before the phone makes a sound."""

        async def pop_then_ring(offer: OfferMade) -> None:
            await bridge.pop(offer)
            try:
                await calls.connect(offer.call_id, offer.agent_id, offer.ring_timeout_s)
            except UnknownCall:
                log.info("offer.caller_gone", call_id=offer.call_id)

        def on_offer(offer: OfferMade) -> None:
            self._tasks.spawn(pop_then_ring(offer), name="offer")

        bus.subscribe(OfferMade, on_offer)
        self._stack.push_async_callback(self._tasks.close)

    async def _listen(self, app: web.Application) -> None:
        http = self._settings.http
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, http.host, http.port).start()
        except OSError as error:
            raise port_taken(http.host, http.port, "HTTP", error) from None


def _store(settings: Settings, clock: Clock) -> Store:
    if settings.redis_url is None:
        return MemoryStore(clock)
    try:
        return RedisStore(settings.redis_url.get_secret_value(), server=settings.server_name)
    except ValueError as error:  # tells the schemes, not the password
        raise SettingsError(f"redis_url is not usable: {error}") from error


def _ami_secret(settings: Settings) -> str:
    if settings.asterisk.ami_secret is not None:
        return settings.asterisk.ami_secret.get_secret_value()
    if settings.asterisk.mode == "remote" and not (settings.secrets / AMI_SECRET).exists():
        raise SettingsError("asterisk.ami_secret is needed for a remote Asterisk, unless `asterisk configure` made one")
    return load_credentials(settings.secrets, ()).ami_secret
