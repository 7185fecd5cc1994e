"""The WebSocket of events: what happens, to whoever may see it, from the last id on; what is left out is said."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from pydantic import TypeAdapter

from cti_bridge.api.desk import agents, queues
from cti_bridge.api.guard import has_bearer, identify, origin_allowed
from cti_bridge.api.hub import Message, Subscriber, encode, of_log, with_id
from cti_bridge.api.models import EventsQuery
from cti_bridge.api.problems import forbidden
from cti_bridge.api.route import Context, Route
from cti_bridge.pop import ScreenPop
from switchroom.domain.ids import OfferId
from switchroom.domain.views import AgentView, QueueView
from switchroom.storage.accounts import Role
from switchroom.storage.event_log import Position

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


async def events(context: Context) -> web.WebSocketResponse:
    # Browsers send cookies with WebSockets of foreign pages too, and no CORS protects them: the Origin decides.
    # Programs have no Origin, and no cookie either.
    from_program = "Origin" not in context.http.headers and has_bearer(context.http)
    if not from_program and not origin_allowed(context.http, context.api):
        raise forbidden("this page may not listen here")
    socket = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=LONGEST_MESSAGE, timeout=1.0)
    await socket.prepare(context.http)
    subscriber = context.api.hub.attach(context.user, lambda: _abort_later(context.http))
    ledger = context.api.ledger
    begin = replace(ledger.position, seq=ledger.written)
    sender = asyncio.create_task(_send(context, socket, subscriber, begin), name="events.send")
    try:
        await _listen(context, socket, subscriber)
    finally:
        context.api.hub.detach(subscriber)
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
    return socket


async def _send(context: Context, socket: web.WebSocketResponse, subscriber: Subscriber, begin: Position) -> None:
    """What was missed, what is, then what happens. Ends by closing the socket.

    ``begin`` is where things were before ``subscriber`` was attached.
    """
    code = WSCloseCode.TRY_AGAIN_LATER
    try:
        replayed = await _replay(context, socket, begin)
        await socket.send_str(with_id(await _hello(context), _later(replayed, context.api.ledger.position)))
        while (message := await _next(context, subscriber)) is not None:
            if message.position is None:
                await socket.send_str(message.text)
            elif message.position.number > replayed.number:
                await socket.send_str(with_id(message.text, _later(replayed, message.position)))
            if message.sent is not None and not message.sent.done():
                message.sent.set_result(None)
        log.info("events.cut_off", user=context.user.login)
    except ConnectionError:
        return  # gone; the listening side has seen it too
    except Exception as error:
        log.warning("events.failed", error=type(error).__name__)
        code = WSCloseCode.INTERNAL_ERROR
    await socket.close(code=code)


def _later(replayed: Position, live: Position) -> Position:
    """Where a reader goes on who has had the log up to ``replayed`` and the live events up to ``live``."""
    return replace(live, seq=max(replayed.seq, live.seq))


async def _next(context: Context, subscriber: Subscriber) -> Message | None:
    """The next message, a heartbeat when there was none for a while; None when the socket is cut."""
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            return await subscriber.next()
    except TimeoutError:
        return Message(encode(HEARTBEAT, context.api.clock.now(), None))


def _abort_later(request: web.Request) -> None:
    """A socket that does not read does not read its closing either."""
    if request.transport is not None:
        asyncio.get_running_loop().call_later(ABORT_S, request.transport.abort)


async def _replay(context: Context, socket: web.WebSocketResponse, begin: Position) -> Position:
    """Send what the log holds after the client's last id, and say what is left out; returns how far that leads."""
    query: EventsQuery = context.query
    if query.last is None:
        return begin
    last = Position.parse(query.last)
    if not context.supervises and context.user.agent_id is None:
        return begin  # nothing concerns whoever is no agent
    complete = await _written(context)
    head = await context.api.log.head()  # first: all up to it is found below
    mine = None if context.supervises else context.user.agent_id
    entries = await context.api.log.after(last, agent_id=mine, limit=MOST_REPLAYED + 1)
    number = last.number if last.boot == begin.boot else 0
    for entry in entries[:MOST_REPLAYED]:
        last = replace(last, seq=entry.seq)
        if entry.boot == begin.boot:
            number = max(number, entry.number)
        await socket.send_str(with_id(of_log(entry, masked=not context.supervises), last))
    if len(entries) > MOST_REPLAYED or not (complete or number >= begin.number):
        to = replace(begin, seq=max(head, begin.seq))
        await socket.send_str(encode(GAP, context.api.clock.now(), {"from": str(last), "to": str(to)}))
    return Position(max(head, last.seq), begin.boot, number)


async def _written(context: Context) -> bool:
    """Is everything up to now in the log? Not while the database is away."""
    try:
        async with asyncio.timeout(FLUSH_S):
            await context.api.ledger.flush()
    except TimeoutError:
        return False
    return True


async def _hello(context: Context) -> str:
    """The present state, so that a desktop needs no history to be right."""
    api = context.api
    found = list(await agents(context))
    me = next((agent for agent in found if agent.id == context.user.agent_id), None)
    pop = None
    if me is not None:
        pop = await api.bridge.current_pop(me.id, me.contact_id)
    data: dict[str, Any] = {
        "agents": _AGENTS.dump_python(found, mode="json"),
        "queues": _QUEUES.dump_python(list(await queues(context)), mode="json"),
        "pop": _POP.dump_python(pop, mode="json"),
    }
    return encode(HELLO, api.clock.now(), data)


async def _listen(context: Context, socket: web.WebSocketResponse, subscriber: Subscriber) -> None:
    loop = asyncio.get_running_loop()
    recheck_at = loop.time() + RECHECK_S
    while not socket.closed:
        try:
            async with asyncio.timeout_at(recheck_at):
                message = await socket.receive()
        except TimeoutError:
            if await identify(context.http, context.api) != context.user:
                subscriber.cut()
                return
            recheck_at = loop.time() + RECHECK_S
            continue
        if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
            return
        try:
            _take(context, _parsed(message))
        except ValueError as error:
            subscriber.put(_error(context, str(error)))


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


def _take(context: Context, body: Mapping[str, Any]) -> None:
    match body:
        case {"type": "pop_shown", "offer_id": str(offer_id)}:
            if context.user.agent_id is not None:
                context.api.bridge.shown(context.user.agent_id, OfferId(offer_id))
        case _:
            raise ValueError("only {type: pop_shown, offer_id} is understood here")


def _error(context: Context, detail: str) -> Message:
    return Message(encode(ERROR, context.api.clock.now(), {"detail": detail}))


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/events",
        handle=events,
        least=Role.AGENT,
        summary="WebSocket of events as they happen, from `last` on; an agent receives their own",
        query=EventsQuery,
        status=HTTPStatus.SWITCHING_PROTOCOLS,
    ),
)
