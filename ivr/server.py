"""Where Asterisk brings callers: one WebSocket each, at ``/media?contact_id=…``.

The connection has no authentication of its own. It is bound to loopback (or a private network), a call id works
once, only while the softswitch holds that call, and only within the claim's deadline.
"""

import asyncio
import re

import structlog
from aiohttp import WSCloseCode, web

from ivr.flows import Flows
from ivr.media.codec import ProtocolError
from ivr.media.session import MediaClosed, MediaSession
from ivr.ports import CallControl, Lookups
from ivr.session import CallSession
from ivr.speech.listening import Recognisers
from ivr.speech.synthesis import Prompts
from switchroom.domain.caller import Caller
from switchroom.domain.errors import UnknownContact
from switchroom.domain.ids import ContactId
from switchroom.runtime.listening import Doors
from switchroom.runtime.settings import Media

log = structlog.get_logger(__name__)

PROTOCOL = "media"
CONTACT_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
MAX_MESSAGE_BYTES = 64 * 1024


class MediaServer:
    """Answers Asterisk and starts a session for each caller."""

    def __init__(
        self,
        settings: Media,
        flows: Flows,
        calls: CallControl,
        lookups: Lookups,
        prompts: Prompts,
        recognisers: Recognisers,
        most: int,
    ) -> None:
        """``most`` is how many callers it serves at once."""
        self._most = most
        self._port = 0
        self._settings = settings
        self._flows = flows
        self._calls = calls
        self._lookups = lookups
        self._prompts = prompts
        self._recognisers = recognisers
        self._runner: web.AppRunner | None = None
        self._sockets: set[web.WebSocketResponse] = set()
        self.sessions = 0
        """Callers in menus now."""

    @property
    def port(self) -> int:
        """The port in use, also where the settings say 0."""
        return self._port

    async def start(self, doors: Doors) -> None:
        """Raises `SettingsError` when the port is taken."""
        application = web.Application()
        application.router.add_get("/media", self._answer)
        application.on_shutdown.append(self._let_go)
        host, port = self._settings.host, self._settings.port
        self._runner, self._port = await doors.open(
            application, host, port, "media", "SWITCHROOM_MEDIA__PORT", self._most
        )

    async def stop(self) -> None:
        """Callers in menus go on in the dialplan."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _let_go(self, _: web.Application) -> None:
        await asyncio.gather(*(socket.close(code=WSCloseCode.GOING_AWAY) for socket in self._sockets))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        contact_id = request.query.get("contact_id", "")
        if not CONTACT_ID.fullmatch(contact_id):
            return web.Response(status=400)
        socket = web.WebSocketResponse(protocols=(PROTOCOL,), max_msg_size=MAX_MESSAGE_BYTES)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            await self._serve(ContactId(contact_id), MediaSession(socket))
        except (ProtocolError, MediaClosed, TimeoutError) as error:
            log.warning("media.refused", contact_id=contact_id, reason=type(error).__name__)
        except UnknownContact:
            log.warning("media.unknown_contact", contact_id=contact_id)
        except Exception:
            log.exception("media.session_failed", contact_id=contact_id)
        finally:
            self._sockets.discard(socket)
            await asyncio.shield(socket.close())
        return socket

    async def _serve(self, contact_id: ContactId, media: MediaSession) -> None:
        within_s = self._settings.claim_timeout_s
        await media.open(within_s)
        reader = asyncio.create_task(media.run(), name="ivr.media.run")
        try:
            caller = await self._calls.claim(contact_id, within_s)
            self.sessions += 1
            try:
                await self._converse(caller, media)
            finally:
                self.sessions -= 1
                self._calls.release(contact_id)
        finally:
            await media.hang_up()
            await asyncio.gather(reader, return_exceptions=True)

    async def _converse(self, caller: Caller, media: MediaSession) -> None:
        flow = self._flows.find(caller.number)
        if flow is None:
            log.error("media.no_flow", contact_id=caller.contact_id, number=caller.number)
            await self._calls.fall_back(caller.contact_id, {})
            return
        await CallSession(caller, flow, media, self._calls, self._lookups, self._prompts, self._recognisers).run()
