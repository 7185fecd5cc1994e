"""A media server as small as can be: takes the callers that Asterisk brings, and lets go of them when told."""

import json

from aiohttp import WSMsgType, web

from switchroom.domain.ids import ContactId
from switchroom.runtime.settings import Media


class MenuServer:
    """Serves ``/media``; ``callers`` are those who are connected now, ``keys`` what each has pressed."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self._runner: web.AppRunner | None = None
        self._sockets: dict[ContactId, web.WebSocketResponse] = {}
        self.keys: dict[ContactId, str] = {}

    @property
    def callers(self) -> tuple[ContactId, ...]:
        return tuple(self._sockets)

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/media", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._media.host, self._media.port, reuse_address=True).start()

    async def stop(self) -> None:
        """Go away in the middle of every call, as a killed server does."""
        for socket in tuple(self._sockets.values()):
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def let_go(self, contact_id: ContactId) -> None:
        """End this caller's media; the dialplan goes on."""
        await self._sockets[contact_id].send_json({"command": "HANGUP"})

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["media"])
        await socket.prepare(request)
        contact_id = ContactId("")
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    continue
                event = json.loads(message.data)
                if event["event"] == "MEDIA_START":
                    contact_id = ContactId(event["channel_variables"]["__CONTACT_ID"])
                    self._sockets[contact_id] = socket
                    self.keys.setdefault(contact_id, "")
                elif event["event"] == "DTMF_END":
                    self.keys[contact_id] += event["digit"]
        finally:
            self._sockets.pop(contact_id, None)
        return socket
