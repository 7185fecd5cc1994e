"""What the desktop does when the network falls silent, and when more was missed than the server tells again."""

import asyncio
import time

import pytest
from playwright.async_api import BrowserContext, Page, expect

from cti_bridge.live import http as events
from demo.desk import open_desk
from switchroom.domain.events import AgentState, DesktopClosed, DesktopOpened, Event
from switchroom.domain.ids import AgentId
from tests.fakes.tcp_proxy import TcpProxy
from tests.fixtures.bridge_server import PASSWORD, BridgeServer
from tests.fixtures.desktop_page import log_in

SEEN_WITHIN_S = 10.0
SERVER_SEES_WITHIN_S = 15.0
SLACK_S = 1.0
"""For a busy machine."""


@pytest.mark.parametrize("hidden", [False, True])
async def test_given_a_network_that_falls_silent_then_the_page_says_so_and_the_server_sees_it_too(
    server: BridgeServer, context: BrowserContext, network: TcpProxy, hidden: bool
) -> None:
    seen: list[Event] = []
    server.bus.subscribe(Event, seen.append)
    page = await context.new_page()
    await page.goto(network.url)
    await log_in(page)
    await asyncio.sleep(events.HEARTBEAT_S)  # a quiet line is not a silent one
    await expect(page.locator(".link-lost")).to_have_count(0)
    if hidden:
        await (await context.new_page()).bring_to_front()
    network.stall()
    began = time.monotonic()
    await expect(page.locator(".link-lost")).to_be_visible(timeout=(SEEN_WITHIN_S + SLACK_S) * 1000)
    while not any(isinstance(event, DesktopClosed) for event in seen):
        assert time.monotonic() - began < SERVER_SEES_WITHIN_S
        await asyncio.sleep(0.1)

    server.agents.move(AgentId("1001"), AgentState.PAUSED, reason="desktop_gone")
    network.flow()
    await expect(page.locator(".link-lost")).to_have_count(0, timeout=30_000)
    await expect(page.locator("[data-state=paused]")).to_contain_text("工作台断开")
    await expect(page.locator(".idle-paused")).to_contain_text("曾断开连接")
    assert isinstance([event for event in seen if isinstance(event, DesktopClosed | DesktopOpened)][-1], DesktopOpened)


async def test_given_more_missed_than_is_told_again_then_the_page_asks_for_what_it_shows(
    server: BridgeServer, context: BrowserContext, network: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_REPLAYED", 3)
    page: Page = await context.new_page()
    await page.goto(network.url)
    await log_in(page)
    await server.ring()
    opened = await server.answer()
    await server.end()
    panel = page.locator(f"[data-ticket='{opened.ticket_id}']")
    await expect(panel).to_be_visible()
    await network.cut()
    async with open_desk(server.url, "supervisor", PASSWORD, listen=False) as board:
        for _ in range(5):
            server.agents.move(AgentId("1001"), AgentState.WRAP_UP, wrap_up_s=30)
        await board.close_ticket(opened.ticket_id, "refund", "by the supervisor")
        await server.ledger.flush()
    await network.start()
    await expect(panel.locator(".ticket-closed")).to_be_visible(timeout=15_000)
    await expect(panel.locator("textarea")).to_have_value("by the supervisor")
