"""The composition root: builds every part, wires them, starts them in order and stops them in the reverse.

Order of start: the ledger first (it must see every event), then what listens to calls, and the softswitch last:
its first word begins the reconciliation that takes up the calls of a server that died.
"""

import uuid
from contextlib import AsyncExitStack

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector

from acd.config import load_config
from acd.presence import Presence
from acd.service import AcdService
from acd.store.redis_store import RedisStore
from cti_bridge.bridge import CtiBridge
from cti_bridge.connectors import connect
from cti_bridge.http.app import create_app
from cti_bridge.live.hub import Hub
from ivr.service import Ivr
from recordings.service import Recordings
from server.adapters import ByChannel, LedgerBookings, Voice, surroundings
from server.elsewhere import Elsewhere
from server.housekeeping import Housekeeping
from server.readiness import checks
from server.sources import Sources
from server.why import Why
from softswitch_config.credentials import AMI_SECRET, load_credentials
from softswitch_config.logs import keep_logs_bounded
from softswitch_config.render import Folders
from switchroom.brands import load_brands
from switchroom.domain.contact import VOICE
from switchroom.domain.events import AgentState
from switchroom.domain.ids import ContactId, OfferId, QueueName
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.capacity import capacity, raise_descriptor_limit
from switchroom.runtime.clock import SystemClock
from switchroom.runtime.home import open_home, open_recordings
from switchroom.runtime.listening import Doors, doors
from switchroom.runtime.settings import Settings, SettingsError
from switchroom.storage.contacts import Contacts
from switchroom.storage.database import Database
from switchroom.storage.gone import GoneServers
from switchroom.storage.ledger import Ledger
from switchroom.storage.lost import LostContacts
from switchroom.storage.outbox import Outbox
from switchroom.storage.presence import last_desks, load_presence, open_desktops
from switchroom.storage.readiness import Writable
from switchroom.storage.recordings import Recordings as RecordingIndex
from telephony.calls import Calls
from telephony.room import CallRoom
from telephony.softswitch.ami import AmiSoftswitch

log = structlog.get_logger(__name__)


class Server:
    """One Switchroom server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._tasks = BackgroundTasks()

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
        config, brands = load_config(settings.dialplans), load_brands(settings.dialplans)
        around = surroundings(config, brands, settings.lookups)
        fits = capacity(settings, raise_descriptor_limit())
        opened = await stack.enter_async_context(doors())
        open_home(settings.home)
        open_recordings(settings.recordings)

        database = Database(settings.database)
        stack.push_async_callback(database.close)
        await database.upgrade()
        ledger = Ledger(database, bus, clock, server=settings.server_name, zone=settings.zone)
        await ledger.start()
        stack.push_async_callback(ledger.stop)

        switch = AmiSoftswitch(
            settings.asterisk.ami_host,
            settings.asterisk.ami_port,
            settings.asterisk.ami_user,
            _ami_secret(settings),
            Folders.of(settings).journal,
        )
        lost = LostContacts(ledger, Contacts(database), bus)
        stack.push_async_callback(lost.stop)
        calls = Calls(switch, bus, clock, LedgerBookings(database, ledger), config.fallback, brands)
        hub = Hub(ledger, bus, clock)
        connectors = connect(settings.crm, database)

        def queue_title(queue: QueueName, language: str | None) -> str:
            titles = config.queues[queue].title if queue in config.queues else {}
            return titles.get(language or "", next(iter(titles.values()), queue))

        outbox = Outbox(database, ledger)
        bridge = CtiBridge(bus, clock, connectors, Contacts(database), hub, brands, outbox, queue_title)
        store = _store(settings)
        channels = ByChannel({VOICE: Voice(bridge.pops, calls)})
        acd = AcdService(config, bus, clock, channels, lambda: OfferId(uuid.uuid4().hex), store)
        await bridge.start()
        stack.push_async_callback(bridge.stop)
        acd.restore(
            await load_presence(database, settings.server_name),
            await last_desks(database, settings.server_name, config.agents),
        )
        await acd.start()
        stack.push_async_callback(acd.stop)
        at_work = [agent.id for agent in acd.agents() if agent.state is not AgentState.LOGGED_OUT]
        presence = Presence(
            acd,
            bus,
            clock,
            gone_after_s=settings.presence.desktop_gone_after_s,
            had_desktop=await open_desktops(database, at_work),
        )
        stack.callback(presence.stop)

        index = RecordingIndex(database)

        async def in_ledger(contact_id: ContactId, path: str) -> bool:
            await ledger.flush()
            return await index.has(contact_id, path)

        recordings = Recordings(Folders.of(settings).monitor, settings.recordings, settings.zone, bus, clock, in_ledger)
        stack.push_async_callback(recordings.stop)

        ivr = Ivr(settings, calls, Sources(settings.lookups, database), around, most=fits.calls)
        stack.push_async_callback(ivr.stop)
        await ivr.start(opened)

        room = CallRoom(bus, clock, calls.count, fits)
        registry = CollectorRegistry()
        registry.register(room)
        ProcessCollector(registry=registry)
        writable = Writable(settings.database, settings.server_name, clock)
        stack.push_async_callback(writable.close)
        app = create_app(
            bus=bus,
            clock=clock,
            database=database,
            ledger=ledger,
            hub=hub,
            bridge=bridge,
            agents=acd,
            calls=calls,
            commands=calls.talks,
            flows=ivr.flows,
            explain=Why(database, config).decisions,
            recordings_folder=settings.recordings,
            checks=checks(settings, switch, store, writable, ledger, room),
            registry=registry,
            origins=settings.http.origins,
            hosts=(*settings.http.hosts, settings.http.host),
            trusted_proxies=settings.http.trusted_proxies,
            elsewhere=Elsewhere(settings, ledger.flush),
        )
        self._tasks.spawn(keep_logs_bounded(settings), name="asterisk.logs")
        gone = GoneServers(database, settings.server_name, bus, clock)
        self._tasks.spawn(Housekeeping(settings, database, clock, gone.end_contacts).run(), name="housekeeping")
        stack.push_async_callback(self._tasks.close)
        await calls.start()
        stack.push_async_callback(calls.stop)
        await self._listen(app, opened, fits.connections)

    async def _listen(self, app: web.Application, opened: Doors, most: int) -> None:
        http = self._settings.http
        runner, _ = await opened.open(app, http.host, http.port, "HTTP", "SWITCHROOM_HTTP__PORT", most)
        self._stack.push_async_callback(runner.cleanup)


def _store(settings: Settings) -> RedisStore | None:
    """What several servers share; None for a server that is alone."""
    if settings.redis_url is None:
        return None
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
