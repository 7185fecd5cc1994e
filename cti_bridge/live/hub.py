"""Carries events and pops to those who may see them: agents what is theirs, supervisors everything.

Events go out as they come over the bus, also while the database is away. Each carries where to go on after it, which
the log understands (`switchroom.storage.event_log.Position`).

Each socket has a bounded queue of its own. One that does not read is cut off and may resume by its last id; it
never slows down the others, nor a call.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from cti_bridge.live.messages import SCREENPOP, UNSENT
from cti_bridge.masking import mask_caller
from cti_bridge.pop.screen_pop import ScreenPop
from switchroom.domain.events import DesktopClosed, DesktopOpened, Event
from switchroom.domain.ids import AgentId
from switchroom.domain.user import User
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from switchroom.storage.event_log import LoggedEvent, Position
from switchroom.storage.ledger import Ledger
from switchroom.wire import to_record, type_name

QUEUE = 512
"""Messages that may wait for one socket."""

MOST_SOCKETS = 20
"""Open at once for one login: the oldest makes room. A page that forgets its sockets takes none from the calls."""

STUCK_S = 0.05
"""A socket that has not taken a pop after this time does not count as having it."""

_POP = TypeAdapter(ScreenPop)


@dataclass(frozen=True, slots=True)
class Message:
    """One WebSocket message. ``position`` is where its reader goes on, None for what is no event of the log."""

    text: str
    position: Position | None = None
    sent: asyncio.Future[None] | None = None


class Subscriber:
    """One socket's end of the hub. ``on_cut`` is called when it is ended from this side."""

    def __init__(self, user: User, on_cut: Callable[[], object], team: frozenset[AgentId]) -> None:
        self.user, self._on_cut, self.team = user, on_cut, team
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue(QUEUE)
        self._cut = False

    def put(self, message: Message) -> None:
        if self._cut:
            return
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self.cut()

    def cut(self) -> None:
        """End it: what waits is dropped, the socket's task finds None."""
        self._cut = True
        while not self._queue.empty():
            dropped = self._queue.get_nowait()
            if dropped is not None and dropped.sent is not None:
                dropped.sent.cancel()
        self._queue.put_nowait(None)
        self._on_cut()

    async def next(self) -> Message | None:
        return await self._queue.get()


class Hub:
    """Knows the open sockets."""

    def __init__(self, ledger: Ledger, bus: Bus, clock: Clock) -> None:
        self._ledger, self._bus, self._clock = ledger, bus, clock
        self._stopping = False
        self._agents: defaultdict[AgentId, set[Subscriber]] = defaultdict(set)
        self._leaders: defaultdict[AgentId, set[Subscriber]] = defaultdict(set)
        """By the agents of their teams."""
        self._boards: set[Subscriber] = set()
        self._by_login: defaultdict[str, list[Subscriber]] = defaultdict(list)
        # After the ledger, which has numbered the event by then.
        bus.subscribe(Event, self._on_event)

    @property
    def sockets(self) -> int:
        return sum(len(subscribers) for subscribers in self._by_login.values())

    def attach(self, user: User, on_cut: Callable[[], object], team: frozenset[AgentId] = frozenset()) -> Subscriber:
        """A socket of the user, who leads ``team``."""
        subscriber = Subscriber(user, on_cut, team)
        mine = self._by_login[user.login]
        mine.append(subscriber)
        if len(mine) > MOST_SOCKETS:
            mine.pop(0).cut()
        for agent_id in team:
            self._leaders[agent_id].add(subscriber)
        if user.sees_all:
            self._boards.add(subscriber)
        elif user.agent_id is not None:
            if user.agent_id not in self._agents:
                self._bus.publish(DesktopOpened(at=self._clock.now(), agent_id=user.agent_id))
            self._agents[user.agent_id].add(subscriber)
        return subscriber

    def detach(self, subscriber: Subscriber) -> None:
        self._boards.discard(subscriber)
        for agent_id in subscriber.team:
            self._leaders[agent_id].discard(subscriber)
        login = subscriber.user.login
        if subscriber in self._by_login[login]:
            self._by_login[login].remove(subscriber)
        if not self._by_login[login]:
            del self._by_login[login]
        own = subscriber.user.agent_id
        if own is not None and own in self._agents:
            self._agents[own].discard(subscriber)
            if not self._agents[own]:
                del self._agents[own]
                if not self._stopping:
                    self._bus.publish(DesktopClosed(at=self._clock.now(), agent_id=own))

    def cut_user(self, login: str) -> None:
        """Close the user's sockets, as after a log-out."""
        for subscriber in tuple(self._by_login.get(login, ())):
            subscriber.cut()

    def stop(self) -> None:
        """The server goes, not the desktops: they come back to the next one, and none counts as closed."""
        self._stopping = True
        self.cut_all()

    def cut_all(self) -> None:
        for login in tuple(self._by_login):
            self.cut_user(login)

    async def show(self, pop: ScreenPop) -> int:
        """Hand the pop to its agent's desktops; returns how many took it, once it is written to the network."""
        screens = tuple(self._agents.get(pop.agent_id, ()))
        text = encode(SCREENPOP, self._clock.now(), _POP.dump_python(pop, mode="json"))
        loop = asyncio.get_running_loop()
        sent = []
        for screen in screens:
            done: asyncio.Future[None] = loop.create_future()
            screen.put(Message(text, sent=done))
            sent.append(done)
        if sent:
            # A desktop that does not read must hold up neither the pop of the others nor the ring.
            await asyncio.wait(sent, timeout=STUCK_S)
        return sum(done.done() and not done.cancelled() for done in sent)

    @property
    def agents(self) -> Iterable[AgentId]:
        """Who has a desktop open."""
        return tuple(self._agents)

    def tell_agent(self, agent_id: AgentId, text: str) -> None:
        for subscriber in tuple(self._agents.get(agent_id, ())):
            subscriber.put(Message(text))

    def tell_boards(self, text: str) -> None:
        for subscriber in tuple(self._boards):
            subscriber.put(Message(text))

    def _on_event(self, event: Event) -> None:
        if type(event) in UNSENT:
            return
        mine = {
            subscriber
            for agent_id in (getattr(event, "agent_id", None), getattr(event, "consulted", None))
            if agent_id is not None
            for subscriber in (*self._agents.get(agent_id, ()), *self._leaders.get(agent_id, ()))
        }
        if not mine and not self._boards:
            return
        data, position = to_record(event), self._ledger.position
        for subscribers, shown in ((mine, mask_caller(data)), (self._boards, data)):
            if subscribers:
                message = Message(encode(type_name(event), event.at, shown), position)
                for subscriber in tuple(subscribers):
                    subscriber.put(message)


def encode_raw(kind: str, at: datetime, data: str) -> str:
    """As `encode`, with ``data`` as JSON text already."""
    return f'{{"type":{json.dumps(kind)},"time":{json.dumps(at.isoformat())},"data":{data}}}'


def encode(kind: str, at: datetime, data: Mapping[str, Any] | None) -> str:
    return json.dumps({"type": kind, "time": at.isoformat(), "data": data}, ensure_ascii=False)


def with_id(text: str, position: Position) -> str:
    """The message with the id after which its reader goes on.

    >>> with_id('{"type":"t"}', Position(7))
    '{"type":"t","id":"7"}'
    """
    return f'{text[:-1]},"id":"{position}"}}'


def of_log(entry: LoggedEvent, *, masked: bool) -> str:
    """An event of the past as it was sent then; ``masked`` for agents."""
    return encode(entry.type, entry.at, mask_caller(entry.data) if masked else entry.data)
