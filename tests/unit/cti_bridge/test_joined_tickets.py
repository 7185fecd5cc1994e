"""A customer who comes again about the same thing (催单): the contact joins the ticket that is open."""

from typing import Any
from unittest.mock import AsyncMock

import pytest

from switchroom.domain import events as ev
from switchroom.domain.ids import ContactId, TicketId
from switchroom.domain.ticket import TicketState
from switchroom.storage.contacts import Contacts
from tests.fixtures.api_client import Client
from tests.fixtures.bridge_server import BridgeServer

OTHER_NUMBER = "13900139000"


async def ask(client: Client, login: str, path: str, body: dict[str, str]) -> tuple[int, Any]:
    return await (await client(login)).ask("POST", path, json=body)


async def two_contacts(server: BridgeServer, *, second_caller: str = "13800138000") -> tuple[str, str]:
    """The tickets of a contact of the first agent, and of a later one of the second."""
    await server.ring("c1", agent_id="1001")
    first = await server.answer("c1", "1001")
    await server.end("c1", "1001")
    await server.ring("c2", agent_id="1002", caller=second_caller)
    second = await server.answer("c2", "1002")
    await server.ledger.flush()
    return first.ticket_id, second.ticket_id


async def test_given_the_same_customer_again_then_the_contact_joins_and_its_own_ticket_is_closed(
    server: BridgeServer, client: Client
) -> None:
    first, second = await two_contacts(server)
    told: list[ev.TicketJoined] = []
    server.bus.subscribe(ev.TicketJoined, told.append)
    status, ticket = await ask(client, "other", f"/api/v1/tickets/{first}/contacts", {"contact_id": "c2"})
    assert (status, ticket["id"], ticket["state"]) == (200, first, "open")
    assert [(joined.contact_id, joined.ticket_id, joined.agent_id) for joined in told] == [("c2", first, "1002")]
    ticketing = server.bridge.connectors.ticketing
    own = await ticketing.get(second)  # type: ignore[arg-type]
    assert own is not None and (own.state, own.disposition) == ("closed", "joined")
    await server.ledger.flush()
    record = await Contacts(server.database).get(told[0].contact_id)
    assert record is not None and record.ticket_id == first
    assert (await ask(client, "other", f"/api/v1/tickets/{first}/contacts", {"contact_id": "c2"}))[0] == 200


async def test_given_another_customer_an_unknown_contact_or_a_closed_ticket_then_nothing_joins(
    server: BridgeServer, client: Client
) -> None:
    first, second = await two_contacts(server, second_caller=OTHER_NUMBER)
    path = f"/api/v1/tickets/{first}/contacts"
    assert (await ask(client, "other", path, {"contact_id": "c2"}))[0] == 404, "the ticket is another customer's"
    assert (await ask(client, "agent", path, {"contact_id": "c2"}))[0] == 404, "the contact is another agent's"
    assert (await ask(client, "agent", "/api/v1/tickets/999/contacts", {"contact_id": "c1"}))[0] == 404
    assert (await ask(client, "supervisor", path, {"contact_id": "nobody"}))[0] == 404
    assert (await ask(client, "auditor", path, {"contact_id": "c2"}))[0] == 403
    found = await server.bridge.connectors.ticketing.get(second)  # type: ignore[arg-type]
    assert found is not None
    await server.bridge.tickets.move(found, found.state.CLOSED, disposition="refund")
    status, problem = await ask(client, "supervisor", f"/api/v1/tickets/{second}/contacts", {"contact_id": "c1"})
    assert (status, problem["detail"]) == (409, "a ticket that is closed cannot become open")


async def test_given_a_server_killed_in_the_middle_of_joining_when_joined_again_then_all_of_it_is_done(
    server: BridgeServer, client: Client
) -> None:
    first, second = await two_contacts(server)
    ticketing = server.bridge.connectors.ticketing
    await ticketing.join(ContactId("c2"), TicketId(first))
    # Another agent was quicker meanwhile.
    await ticketing.move(TicketId(first), TicketState.CLOSED, server.clock.now(), disposition="refund")
    assert (await ask(client, "other", f"/api/v1/tickets/{first}/contacts", {"contact_id": "c2"}))[0] == 200
    own = await ticketing.get(TicketId(second))
    assert own is not None and (own.state, own.disposition) == ("closed", "joined")
    record = await Contacts(server.database).get(ContactId("c2"))
    assert record is not None and record.ticket_id == first, "written down before the answer"


async def test_given_a_joining_that_is_cut_before_its_own_ticket_is_closed_then_the_record_still_names_that_one(
    server: BridgeServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await two_contacts(server)
    ticketing = server.bridge.connectors.ticketing
    with monkeypatch.context() as cut:
        cut.setattr(ticketing, "move", AsyncMock(side_effect=ConnectionError("the ticketing system is away")))
        assert (await ask(client, "other", f"/api/v1/tickets/{first}/contacts", {"contact_id": "c2"}))[0] == 500
    await server.ledger.flush()
    assert (await ask(client, "other", f"/api/v1/tickets/{first}/contacts", {"contact_id": "c2"}))[0] == 200
    own = await ticketing.get(TicketId(second))
    assert own is not None and (own.state, own.disposition) == ("closed", "joined")
