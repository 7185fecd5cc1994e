"""The WebSocket of events: what happens, to whoever may see it, from the last id on; what is left out is said."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from pydantic import Field, TypeAdapter

from cti_bridge.agents.http import Agents
from cti_bridge.http.guard import Guard, has_bearer
from cti_bridge.http.models import In
from cti_bridge.http.problems import forbidden
from cti_bridge.http.route import Capability, Request, Route
from cti_bridge.live.hub import Hub, Message, Subscriber, encode, of_log
from cti_bridge.pop.screen_pop import ScreenPop
from cti_bridge.pop.service import ScreenPops
from switchroom.domain.ids import OfferId
from switchroom.domain.user import Right
from switchroom.domain.views import AgentView, QueueView
from switchroom.runtime.clock import Clock
from switchroom.storage.event_log import EventLog
from switchroom.storage.ledger import Ledger

LONGEST_MESSAGE = 4096
PING_S = 8.0
"""How often the browser itself is asked for a sign of life; without one within half of it the socket is closed."""
HEARTBEAT_S = 4.0
"""Longest silence of ours: a page cannot see pings, and must know a silent network from a quiet day."""
RECHECK_S = 60.0
"""How often a socket's session is looked at again."""
MOST_REPLAYED = 5000
FLUSH_S = 1.0
ABORT_S = 2.0

HELLO = "switchroom.hello"
HEARTBEAT = "switchroom.heartbeat"
GAP = "switchroom.gap"
ERROR = "switchroom.error"
_AGENTS = TypeAdapter(list[AgentView])
_QUEUES = TypeAdapter(list[QueueView])
_POP = TypeAdapter(ScreenPop | None)

log = structlog.get_logger(__name__)


class EventsQuery(In):
    """``last`` is the id of the last message that was seen."""

    last: int | None = Field(None, ge=0, le=2**53)


class Live(Capability):
    def __init__(
        self, hub: Hub, ledger: Ledger, log: EventLog, guard: Guard, clock: Clock, agents: Agents, pops: ScreenPops
    ) -> None:
        self._hub, self._ledger, self._log, self._guard, self._clock = hub, ledger, log, guard, clock
        self._agents, self._pops = agents, pops

    async def events(self, request: Request) -> web.WebSocketResponse:
        # Browsers send cookies with WebSockets of foreign pages too, and no CORS protects them: the Origin decides.
        # Programs have no Origin, and no cookie either.
        from_program = "Origin" not in request.http.headers and has_bearer(request.http)
        if not from_program and not self._guard.origin_allowed(request.http):
            raise forbidden("this page may not listen here")
        socket = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=LONGEST_MESSAGE, timeout=1.0)
        await socket.prepare(request.http)
        subscriber = self._hub.attach(request.user, lambda: _abort_later(request.http), request.team)
        newest = self._ledger.last_seq
        sender = asyncio.create_task(self._send(request, socket, subscriber, newest), name="events.send")
        try:
            await self._listen(request, socket, subscriber)
        finally:
            self._hub.detach(subscriber)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        return socket

    async def _send(self, request: Request, socket: web.WebSocketResponse, subscriber: Subscriber, newest: int) -> None:
        """What was missed, what is, then what happens. Ends by closing the socket.

        ``newest`` is the number of the last event before ``subscriber`` was attached.
        """
        code = WSCloseCode.TRY_AGAIN_LATER
        try:
            replayed = await self._replay(request, socket, newest)
            await socket.send_str(await self._hello(request))
            while (message := await self._next(subscriber)) is not None:
                if message.seq is None or message.seq > replayed:
                    await socket.send_str(message.text)
                if message.sent is not None and not message.sent.done():
                    message.sent.set_result(None)
            log.info("events.cut_off", user=request.user.login)
        except ConnectionError:
            return  # gone; the listening side has seen it too
        except Exception as error:
            log.warning("events.failed", error=type(error).__name__)
            code = WSCloseCode.INTERNAL_ERROR
        await socket.close(code=code)

    async def _next(self, subscriber: Subscriber) -> Message | None:
        """The next message, a heartbeat when there was none for a while; None when the socket is cut."""
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                return await subscriber.next()
        except TimeoutError:
            return Message(encode(HEARTBEAT, self._clock.now(), None))

    async def _replay(self, request: Request, socket: web.WebSocketResponse, newest: int) -> int:
        """Send what the log holds after the client's last id, say what is left out; returns the last number sent."""
        query: EventsQuery = request.query
        if query.last is None:
            return 0
        own = request.own
        if own is not None and not own:
            return query.last  # nothing concerns them
        complete = await self._written()
        entries = await self._log.after(query.last, agents=own, limit=MOST_REPLAYED + 1)
        replayed = entries[:MOST_REPLAYED]
        for entry in replayed:
            await socket.send_str(of_log(entry, masked=not request.sees_numbers))
        last = replayed[-1].seq if replayed else query.last
        if newest <= last or (complete and len(entries) == len(replayed)):
            return last
        await socket.send_str(encode(GAP, self._clock.now(), {"from": last + 1, "to": newest}))
        return newest

    async def _written(self) -> bool:
        """Is everything up to now in the log? Not while the database is away."""
        try:
            async with asyncio.timeout(FLUSH_S):
                await self._ledger.flush()
        except TimeoutError:
            return False
        return True

    async def _hello(self, request: Request) -> str:
        """The present state, so that a desktop needs no history to be right."""
        found = list(await self._agents.agents(request))
        me = next((agent for agent in found if agent.id == request.user.agent_id), None)
        pop = None
        if me is not None:
            pop = await self._pops.current_pop(me.id, me.contact_id)
        data: dict[str, Any] = {
            "agents": _AGENTS.dump_python(found, mode="json"),
            "queues": _QUEUES.dump_python(list(await self._agents.queues(request)), mode="json"),
            "pop": _POP.dump_python(pop, mode="json"),
        }
        return encode(HELLO, self._clock.now(), data, self._ledger.last_seq)

    async def _listen(self, request: Request, socket: web.WebSocketResponse, subscriber: Subscriber) -> None:
        loop = asyncio.get_running_loop()
        recheck_at = loop.time() + RECHECK_S
        while not socket.closed:
            try:
                async with asyncio.timeout_at(recheck_at):
                    message = await socket.receive()
            except TimeoutError:
                if await self._guard.identify(request.http) != request.user:
                    subscriber.cut()
                    return
                recheck_at = loop.time() + RECHECK_S
                continue
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return
            try:
                self._take(request, _parsed(message))
            except ValueError as error:
                subscriber.put(self._error(str(error)))

    def _take(self, request: Request, body: Mapping[str, Any]) -> None:
        match body:
            case {"type": "pop_shown", "offer_id": str(offer_id)}:
                if request.user.agent_id is not None:
                    self._pops.shown(request.user.agent_id, OfferId(offer_id))
            case _:
                raise ValueError("only {type: pop_shown, offer_id} is understood here")

    def _error(self, detail: str) -> Message:
        return Message(encode(ERROR, self._clock.now(), {"detail": detail}))

    ROUTES = (
        Route(
            method="GET",
            path="/api/v1/events",
            handle=events,
            needs=Right.READ,
            summary="WebSocket of events as they happen, from `last` on; an agent receives their own",
            query=EventsQuery,
            status=HTTPStatus.SWITCHING_PROTOCOLS,
        ),
    )


def _abort_later(request: web.Request) -> None:
    """A socket that does not read does not read its closing either."""
    if request.transport is not None:
        asyncio.get_running_loop().call_later(ABORT_S, request.transport.abort)


def _parsed(message: WSMessage) -> Mapping[str, Any]:
    if message.type is not WSMsgType.TEXT:
        raise ValueError("send JSON as text")
    try:
        body = json.loads(message.data)
    except (ValueError, RecursionError):
        raise ValueError("this is not JSON") from None
    if not isinstance(body, dict):
        raise ValueError("send an object with a type")
    return body
