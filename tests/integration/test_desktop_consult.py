"""The desktop of an agent who is asked by another and takes the customer over; the choice of a desk at the login."""

from playwright.async_api import Page, expect

from switchroom.domain import events as ev
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId, TicketId
from switchroom.storage.tickets import Tickets
from tests.fixtures.bridge_server import PASSWORD, BridgeServer
from tests.fixtures.desktop_page import log_in

OTHER, ME, ASKED = AgentId("1002"), AgentId("1001"), OfferId("asked")


def consult(server: BridgeServer, contact: ContactId) -> None:
    server.agents.move(ME, ev.AgentState.RESERVED, contact_id=contact)
    server.bus.publish(
        ev.ConsultStarted(at=server.clock.now(), contact_id=contact, agent_id=OTHER, consulted=ME, offer_id=ASKED)
    )


def consult_over(server: BridgeServer, contact: ContactId, ending: ev.ConsultEnding) -> None:
    fields = {"contact_id": contact, "agent_id": OTHER, "consulted": ME, "offer_id": ASKED}
    server.bus.publish(ev.ConsultEnded(at=server.clock.now(), ending=ending, **fields))


async def noted(server: BridgeServer, ticket_id: TicketId) -> str:
    ticket = await Tickets(server.database).get(ticket_id)
    assert ticket is not None
    return ticket.note


async def test_given_an_open_ticket_when_asked_and_taking_over_then_notes_go_to_the_ticket_of_the_customer_on_the_line(
    server: BridgeServer, page: Page
) -> None:
    await log_in(page)
    await server.ring("before", caller="13900139000")
    mine = await server.answer("before")
    await server.end("before")
    await page.fill(".note", "of the call before")

    theirs = ContactId("theirs")
    await server.ring(theirs, agent_id=OTHER)
    opened = await server.answer(theirs, agent_id=OTHER)
    consult(server, theirs)
    pop = page.locator(".pop")
    await expect(pop.locator(".pop-name")).to_have_text("王芳")
    await expect(pop.locator(".step.now")).to_have_text("振铃")
    await expect(page.locator(f".ticket-panel h2:has-text('#{opened.ticket_id}')")).to_have_count(0)

    server.agents.move(ME, ev.AgentState.BUSY, contact_id=theirs)
    consult_over(server, theirs, ev.ConsultEnding.HANDED_OVER)
    server.bus.publish(ev.ContactConnected(at=server.clock.now(), contact_id=theirs, agent_id=ME, offer_id=ASKED))
    await expect(pop.locator(".step.now")).to_have_text("通话")
    await expect(page.locator(".ticket-panel h2").first).to_contain_text(f"#{opened.ticket_id}")
    async with page.expect_response(f"**/api/v1/tickets/{opened.ticket_id}"):
        await page.locator(".note").first.fill("taken over")
    notes = {ticket: await noted(server, ticket) for ticket in (mine.ticket_id, opened.ticket_id)}
    assert notes == {mine.ticket_id: "of the call before", opened.ticket_id: "taken over"}


async def test_given_a_consultation_that_is_over_then_its_customer_leaves_the_screen(
    server: BridgeServer, page: Page
) -> None:
    await log_in(page)
    theirs = ContactId("theirs")
    await server.ring(theirs, agent_id=OTHER)
    await server.answer(theirs, agent_id=OTHER)
    consult(server, theirs)
    await expect(page.locator(".pop-name")).to_have_text("王芳")
    consult_over(server, theirs, ev.ConsultEnding.RETURNED)
    await expect(page.locator(".pop")).to_have_count(0)


async def test_given_a_desk_at_the_login_then_the_agent_sits_there_and_it_is_offered_again(
    server: BridgeServer, page: Page
) -> None:
    await page.fill("[name=login]", "agent")
    await page.fill("[name=password]", PASSWORD)
    await page.fill("[name=desk]", "9999")
    await page.keyboard.press("Enter")
    await expect(page.locator("[role=alert]")).to_have_text("没有这部座机")
    await page.fill("[name=desk]", "8001")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-state]")).to_be_visible()
    assert {agent.id: agent.extension for agent in server.agents.agents()}[ME] == Extension("8001")
    await page.click("[aria-label=退出]")
    await expect(page.locator("[name=desk]")).to_have_value("8001")
