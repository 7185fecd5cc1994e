"""A note typed in the desktop reaches its ticket, through every interruption. Judged by `GET /api/v1/tickets/{id}`."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from demo.desk import Desk, open_desk
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId
from tests.fakes.tcp_proxy import TcpProxy
from tests.fixtures.bridge_server import PASSWORD, BridgeServer
from tests.fixtures.desktop_page import log_in, until_noted

SAVED_WITHIN_S = 2.0
SLACK_S = 1.0
"""For a busy machine, and for asking."""
TYPED = "the customer wants the shoes changed"


@pytest.fixture
async def board(server: BridgeServer) -> AsyncIterator[Desk]:
    async with open_desk(server.url, "supervisor", PASSWORD, listen=False) as desk:
        yield desk


def note_of(page: Page, ticket: str) -> Any:
    return page.locator(f"[data-ticket='{ticket}'] textarea")


async def in_wrap_up(server: BridgeServer, page: Page) -> str:
    """A call that is over, with its ticket open on the screen; returns the ticket's id."""
    await server.ring()
    ticket = (await server.answer()).ticket_id
    await server.end()
    await expect(note_of(page, ticket)).to_be_visible()
    await expect(page.locator("[data-state=wrap_up]")).to_be_visible()
    return ticket


async def test_given_an_agent_who_never_stops_typing_then_what_is_typed_is_saved_within_two_seconds(
    server: BridgeServer, page: Page, board: Desk
) -> None:
    await log_in(page)
    ticket = await in_wrap_up(server, page)
    await note_of(page, ticket).focus()
    began = time.monotonic()
    typing = asyncio.create_task(page.keyboard.type(TYPED * 2, delay=90))
    try:
        while not (await board.get(f"tickets/{ticket}"))["note"]:
            assert time.monotonic() - began < SAVED_WITHIN_S + SLACK_S
            await asyncio.sleep(0.05)
        assert not typing.done()
    finally:
        await typing
    await until_noted(board, ticket, TYPED * 2, SAVED_WITHIN_S + SLACK_S)


async def test_given_the_next_call_while_typing_then_the_note_goes_on_and_none_lands_under_the_next_caller(
    server: BridgeServer, page: Page, board: Desk
) -> None:
    await log_in(page)
    first = await in_wrap_up(server, page)
    await note_of(page, first).focus()
    typing = asyncio.create_task(page.keyboard.type(TYPED, delay=60))
    server.agents.move(AgentId("1001"), AgentState.AVAILABLE)
    await server.ring("c2", caller="13900139000")
    await expect(page.locator(".pop[data-call=c2]")).to_be_visible()
    second = (await server.answer("c2")).ticket_id
    await expect(note_of(page, second)).to_be_visible()
    assert not typing.done()
    await typing
    await until_noted(board, first, TYPED)
    assert (await board.get(f"tickets/{second}"))["note"] == ""
    await expect(note_of(page, first)).to_have_value(TYPED)
    await expect(note_of(page, second)).to_have_value("")

    await note_of(page, second).type("another")
    await until_noted(board, second, "another")
    await until_noted(board, first, TYPED)


async def test_given_a_save_in_flight_when_the_next_call_comes_then_its_answer_changes_only_its_own_ticket(
    server: BridgeServer, page: Page, board: Desk
) -> None:
    held: asyncio.Queue[Route] = asyncio.Queue()

    async def hold(route: Route) -> None:
        await (held.put(route) if route.request.method == "PATCH" else route.continue_())

    await page.route("**/api/v1/tickets/*", hold)
    await log_in(page)
    first = await in_wrap_up(server, page)
    await note_of(page, first).type("old")
    save = await asyncio.wait_for(held.get(), 5)
    server.agents.move(AgentId("1001"), AgentState.AVAILABLE)
    await server.ring("c2", caller="13900139000")
    second = (await server.answer("c2")).ticket_id
    await expect(note_of(page, second)).to_be_visible()
    async with page.expect_response("**/api/v1/tickets/*"):
        await save.continue_()
    await until_noted(board, first, "old")
    await note_of(page, second).type("new")
    await (await asyncio.wait_for(held.get(), 5)).continue_()
    await until_noted(board, second, "new")
    assert (await board.get(f"tickets/{first}"))["note"] == "old"
    await expect(page.locator(f".ticket-panel[data-ticket='{second}']")).to_be_visible()


async def test_given_a_logout_right_after_typing_then_the_note_is_saved_and_the_next_agent_sees_none_of_it(
    server: BridgeServer, page: Page, board: Desk
) -> None:
    await log_in(page)
    ticket = await in_wrap_up(server, page)
    await note_of(page, ticket).type("secret of 1001")
    await page.click("[aria-label=退出]")
    await expect(page.locator(".login-card")).to_be_visible()
    assert (await board.get(f"tickets/{ticket}"))["note"] == "secret of 1001"
    await log_in(page, login="other", ready=False)
    kept = await page.evaluate("JSON.stringify(localStorage)")
    assert "secret of 1001" not in kept + await page.content()


async def test_given_no_server_at_logout_then_the_agent_is_told_and_the_next_one_sees_none_of_the_note(
    server: BridgeServer, context: BrowserContext, network: TcpProxy, board: Desk
) -> None:
    page = await context.new_page()
    await page.goto(network.url)
    await log_in(page)
    ticket = await in_wrap_up(server, page)
    await note_of(page, ticket).type("kept")
    await network.cut()
    await page.click("[aria-label=退出]")
    await expect(page.locator(".toast")).to_have_text("连接不上服务器")
    await expect(page.locator(".desktop")).to_be_visible()
    # The session ends elsewhere, so that another agent can log in on this computer while the note is unsaved.
    await context.clear_cookies()
    await network.start()
    await expect(page.locator(".login-card")).to_be_visible()
    await log_in(page, login="other", ready=False)
    await expect(page.locator("[data-state=logged_out]")).to_be_visible()
    assert "kept" not in await page.locator("#app").inner_text()
    assert (await board.get(f"tickets/{ticket}"))["note"] == ""
    await page.click("[aria-label=退出]")
    await log_in(page, ready=False)
    await until_noted(board, ticket, "kept")


async def test_given_a_reload_right_after_typing_then_the_note_is_there_and_saved(
    server: BridgeServer, page: Page, board: Desk
) -> None:
    await log_in(page)
    ticket = await in_wrap_up(server, page)
    await note_of(page, ticket).type("before the reload")
    await page.reload()
    await expect(note_of(page, ticket)).to_have_value("before the reload")
    await until_noted(board, ticket, "before the reload")


async def test_given_a_closed_tab_right_after_typing_then_the_note_is_saved(
    server: BridgeServer, page: Page, board: Desk
) -> None:
    await log_in(page)
    ticket = await in_wrap_up(server, page)
    await note_of(page, ticket).type("before the tab was closed")
    await page.close()
    await until_noted(board, ticket, "before the tab was closed")


async def test_given_the_server_gone_while_typing_then_the_note_is_saved_when_it_is_back(
    server: BridgeServer, context: BrowserContext, network: TcpProxy, board: Desk
) -> None:
    page = await context.new_page()
    await page.goto(network.url)
    await log_in(page)
    ticket = await in_wrap_up(server, page)
    await note_of(page, ticket).type("first")
    await until_noted(board, ticket, "first")
    await network.cut()
    await note_of(page, ticket).type(", then without a server")
    await expect(page.locator(".save-unsaved")).to_be_visible()
    await network.start()
    await until_noted(board, ticket, "first, then without a server")
    await expect(page.locator(".save-saved")).to_be_visible()


async def test_given_the_server_gone_and_the_tab_closed_then_the_note_is_saved_at_the_next_visit(
    server: BridgeServer, context: BrowserContext, network: TcpProxy, board: Desk
) -> None:
    page = await context.new_page()
    await page.goto(network.url)
    await log_in(page)
    ticket = await in_wrap_up(server, page)
    await network.cut()
    await note_of(page, ticket).type("kept on this computer")
    await page.close()
    await network.start()
    again = await context.new_page()
    await again.goto(network.url)
    await expect(note_of(again, ticket)).to_have_value("kept on this computer")
    await until_noted(board, ticket, "kept on this computer")


async def test_given_a_network_that_swallows_a_save_then_the_newest_text_wins_even_if_the_old_one_arrives_later(
    server: BridgeServer, context: BrowserContext, network: TcpProxy, board: Desk
) -> None:
    page = await context.new_page()
    await page.goto(network.url)
    await log_in(page)
    ticket = await in_wrap_up(server, page)
    network.stall()
    await note_of(page, ticket).type("half")
    await expect(page.locator(".save-unsaved")).to_be_visible(timeout=30_000)
    await note_of(page, ticket).type(" and whole")
    network.flow()
    await until_noted(board, ticket, "half and whole", timeout_s=20)
    await expect(page.locator(".save-saved")).to_be_visible(timeout=30_000)
    assert (await board.get(f"tickets/{ticket}"))["note"] == "half and whole"


async def test_given_a_ticket_closed_elsewhere_with_another_note_then_the_agent_is_told(
    server: BridgeServer, page: Page, board: Desk
) -> None:
    await log_in(page)
    ticket = await in_wrap_up(server, page)
    await board.close_ticket(ticket, "other", "by the supervisor")
    await note_of(page, ticket).type("too late")
    await expect(page.locator(".toast")).to_contain_text(f"#{ticket}")
    await expect(page.locator(".save-unsaved")).to_be_visible()
