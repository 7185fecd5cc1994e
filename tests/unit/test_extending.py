"""What docs/extending.md says, done once for each: a channel, a rule, a source to look up, a route, a connector.

A verb is in test_ivr_verbs.py, a store in tests/integration/test_acd_store_contract.py.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import ClientSession, web

from acd.core.core import Core
from acd.core.rules import Rules, standard
from acd.service import AcdService
from cti_bridge.connectors import connect
from cti_bridge.connectors.builtin import builtin
from cti_bridge.connectors.port import Connectors
from cti_bridge.http.endpoint import endpoint, problems
from cti_bridge.http.guard import Guard
from cti_bridge.http.route import Capability, Request, Route
from server.adapters import ByChannel
from server.sources import Sources, described
from switchroom.domain.contact import VOICE
from switchroom.domain.events import AgentState, ContactEnded, Event, OfferMade, PhoneChanged, Reconciled
from switchroom.domain.history import ContactRecord, fold
from switchroom.domain.ids import ContactId, Extension, OfferId, QueueName
from switchroom.domain.user import Right
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import SystemClock
from switchroom.runtime.settings import SettingsError
from switchroom.storage.accounts import Accounts
from switchroom.storage.database import Database
from tests.fakes.channels import FakeChannels
from tests.fixtures.acd_house import ANN, BOB, CONFIG
from tests.support.text_channel import TEXT, TextChannel
from tests.support.virtual_time import VirtualClock

RETURNS = QueueName("returns")


class Office:
    """An ACD whose contacts are texts. Make it in virtual time."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.clock, self.bus, numbers = VirtualClock(), Bus(), itertools.count(1)
        self.seen: list[Event] = []
        self.bus.subscribe(Event, self.seen.append)
        self.channel = TextChannel(self.bus, self.clock)
        self.acd = AcdService(
            CONFIG,
            self.bus,
            self.clock,
            ByChannel({VOICE: FakeChannels(), TEXT: self.channel}),
            lambda: OfferId(f"o{next(numbers)}"),
            make_core=lambda parameters, new_id, now: Core(parameters, new_id, now, rules),
        )

    async def open(self) -> None:
        await self.acd.start()
        self.reconcile_calls()
        for agent_id in (ANN, BOB):
            self.bus.publish(PhoneChanged(at=self.clock.now(), extension=Extension(agent_id), registered=True))

    def reconcile_calls(self) -> None:
        """As each minute: the softswitch has no call, and knows of no text."""
        self.bus.publish(Reconciled(at=self.clock.now(), live=frozenset()))

    def record(self, contact_id: ContactId) -> ContactRecord:
        record: ContactRecord | None = None
        for event in self.seen:
            if getattr(event, "contact_id", None) == contact_id:
                record = fold(record, event)  # type: ignore[arg-type]  # events of a contact
        assert record is not None
        return record


@pytest.mark.virtual_time
async def test_a_text_waits_is_offered_accepted_and_ended_as_a_call_is() -> None:
    office = Office()
    await office.open()
    first = office.channel.write("li", RETURNS)
    second = office.channel.write("wang", RETURNS)
    office.reconcile_calls()
    assert [queue.waiting for queue in office.acd.queues()] == [2]
    await office.acd.set_state(ANN, "available", None)
    await asyncio.sleep(1)
    office.channel.decline(first)
    assert office.acd.agent(ANN).state is AgentState.PAUSED  # type: ignore[union-attr]
    await office.acd.set_state(BOB, "available", None)
    await asyncio.sleep(1)
    office.channel.accept(first)
    office.reconcile_calls()
    assert office.acd.agent(BOB).state is AgentState.BUSY  # type: ignore[union-attr]
    office.channel.close(first)
    assert office.acd.agent(BOB).state is AgentState.WRAP_UP  # type: ignore[union-attr]
    record = office.record(first)
    assert [visit.ending for visit in record.visits] == ["answered"]
    assert [(talk.agent_id, talk.ended_at is not None) for talk in record.talks] == [(BOB, True)]
    assert [event.contact_id for event in office.seen if isinstance(event, ContactEnded)] == [first]
    assert office.record(second).outcome is None
    await office.acd.stop()


@pytest.mark.virtual_time
async def test_a_routing_rule_of_ones_own_decides_who_serves() -> None:
    """The one who knows least is chosen: the best are kept for harder cases."""
    office = Office(Rules(place=standard({}).place, fitness=lambda required, skills: -sum(skills.values())))
    await office.open()
    for agent_id in (ANN, BOB):
        await office.acd.set_state(agent_id, "available", None)
    office.channel.write("li", RETURNS)
    await asyncio.sleep(1)
    assert [offer.agent_id for offer in office.seen if isinstance(offer, OfferMade)] == [BOB]
    await office.acd.stop()


class Weather:
    """A source that menus could ask."""

    ARGUMENTS: ClassVar[frozenset[str]] = frozenset({"city"})
    FIELDS: ClassVar[frozenset[str]] = frozenset({"text"})

    def __init__(self, database: Database) -> None: ...

    async def look_up(self, arguments: Mapping[str, str]) -> Mapping[str, Any] | None:
        return {"text": f"sunny in {arguments['city']}"}


async def test_a_source_to_look_up_is_a_class_and_a_name(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/switchroom.db")
    known = {"weather": Weather}
    sources = Sources({"forecast": "weather"}, database, known)
    assert await sources.look_up("forecast", {"city": "上海"}) == {"text": "sunny in 上海"}
    assert described({"forecast": "weather"}, known)["forecast"].fields == {"text"}
    with pytest.raises(SettingsError, match=r"lookups.forecast: there is no source `wether`; there is weather"):
        described({"forecast": "wether"}, known)
    await database.close()


async def test_a_connector_is_a_function_and_a_name(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/switchroom.db")
    made: list[Connectors] = []

    def toy(database: Database) -> Connectors:
        made.append(builtin(database))
        return made[0]

    assert connect("toy", database, {"toy": toy}) is made[0]
    with pytest.raises(SettingsError, match=r"crm: there is no connector `salesforce`; there is toy"):
        connect("salesforce", database, {"toy": toy})
    await database.close()


class Greeting(Capability):
    """A capability with one route."""

    async def greet(self, request: Request) -> Mapping[str, str]:
        return {"hello": request.http.match_info["name"]}

    ROUTES = (
        Route(
            method="GET",
            path="/api/v1/greetings/{name}",
            handle=greet,
            needs=None,
            summary="A greeting",
            answer=Mapping[str, str],
        ),
        Route(
            method="GET",
            path="/api/v1/greetings",
            handle=greet,
            needs=Right.READ,
            summary="Nothing without a login",
            answer=Mapping[str, str],
        ),
    )


@pytest.fixture
async def greetings(tmp_path: Path) -> AsyncIterator[str]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/switchroom.db")
    await database.upgrade()
    guard = Guard(Accounts(database), SystemClock(), lambda _: frozenset())
    app, capability = web.Application(middlewares=[problems]), Greeting()
    for route in Greeting.ROUTES:
        app.router.add_route(route.method, route.path, endpoint(guard, capability, route))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
    await database.close()


async def test_a_route_is_a_method_and_a_row(greetings: str) -> None:
    async with ClientSession() as http:
        async with http.get(f"{greetings}/api/v1/greetings/li") as answer:
            assert await answer.json() == {"hello": "li"}
        async with http.get(f"{greetings}/api/v1/greetings") as answer:
            assert (answer.status, answer.content_type) == (401, "application/problem+json")
