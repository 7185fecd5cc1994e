"""The WebSocket of events: what happens, to those who may see it, from the last id on; what is left out is said."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from pydantic import Field, TypeAdapter

from cti_bridge.agents.http import Agents
from cti_bridge.http.guard import Guard, has_bearer
from cti_bridge.http.models import In
from cti_bridge.http.problems import Problem, forbidden
from cti_bridge.http.route import Capability, Request, Route
from cti_bridge.live.hub import Hub, Message, Subscriber, encode, of_log, with_id
from cti_bridge.live.messages import ERROR, GAP, HEARTBEAT, HELLO, UNSENT_TYPES, Hello
from cti_bridge.pop.service import ScreenPops
from switchroom.domain.ids import OfferId
from switchroom.domain.user import Right
from switchroom.runtime.clock import Clock
from switchroom.storage.event_log import EventLog, Position
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

_HELLO = TypeAdapter(Hello)

log = structlog.get_logger(__name__)


class EventsQuery(In):
    """``last`` is the id of the last message that was seen."""

    last: str | None = Field(None, pattern=r"^\d{1,18}(-[0-9a-f]{8}-\d{1,18})?$")


class Live(Capability):
    def __init__(
        self,
        hub: Hub,
        ledger: Ledger,
        log: EventLog,
        guard: Guard,
        clock: Clock,
        agents: Agents,
        pops: ScreenPops,
        recheck_s: float = RECHECK_S,
    ) -> None:
        self._hub, self._ledger, self._log, self._guard, self._clock = hub, ledger, log, guard, clock
        self._agents, self._pops, self._recheck_s = agents, pops, recheck_s

    async def events(self, request: Request) -> web.WebSocketResponse:
        # Browsers send cookies with WebSockets of foreign pages too, and no CORS protects them: the Origin decides.
        # Programs have no Origin, and no cookie either.
        from_program = "Origin" not in request.http.headers and has_bearer(request.http)
        if not from_program and not self._guard.origin_allowed(request.http):
            raise forbidden("this page may not listen here")
        socket = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=LONGEST_MESSAGE, timeout=1.0)
        await socket.prepare(request.http)
        subscriber = self._hub.attach(request.user, lambda: _abort_later(request.http), request.team)
        begin = replace(self._ledger.position, seq=self._ledger.written)
        sender = asyncio.create_task(self._send(request, socket, subscriber, begin), name="events.send")
        try:
            await self._listen(request, socket, subscriber)
        finally:
            self._hub.detach(subscriber)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        return socket

    async def _send(
        self, request: Request, socket: web.WebSocketResponse, subscriber: Subscriber, begin: Position
    ) -> None:
        """What was missed, what is, then what happens. Ends by closing the socket.

        ``begin`` is where things were before ``subscriber`` was attached.
        """
        code = WSCloseCode.TRY_AGAIN_LATER
        try:
            replayed = await self._replay(request, socket, begin)
            await socket.send_str(with_id(await self._hello(request), _later(replayed, self._ledger.position)))
            while (message := await self._next(subscriber)) is not None:
                if message.position is None:
                    await socket.send_str(message.text)
                elif message.position.number > replayed.number:
                    await socket.send_str(with_id(message.text, _later(replayed, message.position)))
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

    async def _replay(self, request: Request, socket: web.WebSocketResponse, begin: Position) -> Position:
        """Send what the log holds after the client's last id, and say what is left out; returns how far that leads."""
        query: EventsQuery = request.query
        if query.last is None:
            return begin
        last = Position.parse(query.last)
        own = request.own
        if own is not None and not own:
            return begin  # nothing concerns them
        complete = await self._written()
        head = await self._log.head()  # first: all up to it is found below
        entries = await self._log.after(last, agents=own, limit=MOST_REPLAYED + 1)
        number = last.number if last.boot == begin.boot else 0
        for entry in entries[:MOST_REPLAYED]:
            last = replace(last, seq=entry.seq)
            if entry.boot == begin.boot:
                number = max(number, entry.number)
            if entry.type in UNSENT_TYPES:
                continue
            await socket.send_str(with_id(of_log(entry, masked=not request.sees_numbers), last))
        if len(entries) > MOST_REPLAYED or not (complete or number >= begin.number):
            to = replace(begin, seq=max(head, begin.seq))
            await socket.send_str(encode(GAP, self._clock.now(), {"from": str(last), "to": str(to)}))
        return Position(max(head, last.seq), begin.boot, number)

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
        hello = Hello(agents=found, queues=list(await self._agents.queues(request)), pop=pop)
        data = _HELLO.dump_python(hello, mode="json")
        return encode(HELLO, self._clock.now(), data)

    async def _listen(self, request: Request, socket: web.WebSocketResponse, subscriber: Subscriber) -> None:
        loop = asyncio.get_running_loop()
        recheck_at = loop.time() + self._recheck_s
        while not socket.closed:
            try:
                async with asyncio.timeout_at(recheck_at):
                    message = await socket.receive()
            except TimeoutError:
                if not await self._still_may(request):
                    subscriber.cut()
                    return
                recheck_at = loop.time() + self._recheck_s
                continue
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return
            try:
                self._take(request, _parsed(message))
            except ValueError as error:
                subscriber.put(self._error(str(error)))

    async def _still_may(self, request: Request) -> bool:
        """Whether the session lives; while nobody can say, it goes on."""
        try:
            return await self._guard.identify(request.http) == request.user
        except Problem as problem:
            return problem.status is HTTPStatus.SERVICE_UNAVAILABLE

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


def _later(replayed: Position, live: Position) -> Position:
    """Where a reader goes on who has had the log up to ``replayed`` and the live events up to ``live``."""
    return replace(live, seq=max(replayed.seq, live.seq))


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
