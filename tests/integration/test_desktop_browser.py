"""The agent's desktop in a real browser, against the real API; only ACD and telephone are fakes."""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect
from pydantic import TypeAdapter

from cti_bridge.live.hub import encode
from switchroom.domain import events as ev
from switchroom.domain.contact import CustomerTier
from switchroom.domain.ids import AgentId, ContactId
from switchroom.domain.ticket import TicketState
from switchroom.domain.views import QueueView
from switchroom.storage.contacts import Contacts
from switchroom.storage.customers import Customers
from switchroom.storage.tickets import Tickets
from tests.fakes.fake_softswitch import OFFER
from tests.fixtures.bridge_server import BridgeServer
from tests.fixtures.desktop_page import log_in

XSS = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"


async def test_a_call_from_the_pop_to_the_closed_ticket(server: BridgeServer, page: Page) -> None:
    seen: list[ev.Event] = []
    server.bus.subscribe(ev.Event, seen.append)
    await log_in(page)
    await server.ring()

    pop = page.locator(".pop")
    await expect(pop.locator(".pop-name")).to_have_text("王芳")
    await expect(pop.locator(".tier")).to_have_text("金卡")
    await expect(pop.locator(".pop-phone")).to_have_text("138****8000")
    await expect(pop.locator("[data-testid=waited]")).to_contain_text("0:38")
    await expect(pop.locator(".trail-node")).to_have_text(["进线", "welcome", "main", "returns", "退货退款"])
    await expect(pop.locator(".collected")).to_contain_text("20260105")
    await expect(pop.locator(".order.meant .order-number")).to_have_text("20260105")
    await expect(pop.locator(".order.meant .order-status")).to_have_text("运输中")
    await expect(pop.locator(".open-subject")).to_have_text("配送时间改到晚上")
    await expect(pop.locator(".timeline li")).to_have_count(3)
    await expect(pop.locator(".step.now")).to_have_text("振铃")
    await expect(page.locator("[aria-live=assertive]")).to_contain_text("王芳")
    assert "王芳" in await page.title()

    opened = await server.answer()
    await expect(pop.locator(".step.now")).to_have_text("通话")
    assert any(isinstance(event, ev.ScreenPopShown) for event in seen)  # the page said that it has drawn the pop
    await expect(page.locator(".ticket-panel h2")).to_contain_text(f"#{opened.ticket_id}")
    await page.fill(".note", "同意退款")
    await expect(page.locator(".save-saved")).to_be_visible()
    async with page.expect_response("**/actions/hangup"):
        await page.click("text=挂断")
    assert server.calls.hung_up == ["c1"]
    await server.end()
    await expect(pop.locator(".step.now")).to_have_text("话后")

    await page.click("role=radio[name=/退款/]")
    await page.click("text=结单并就绪")
    await expect(page.locator(".idle-available")).to_be_visible()
    await expect(page.locator(".call-row").first).to_contain_text("退款")
    ticket = await Tickets(server.database).get(opened.ticket_id)
    assert ticket is not None
    assert (ticket.state, ticket.disposition, ticket.note) == (TicketState.CLOSED, "refund", "同意退款")
    await server.ledger.flush()
    record = await Contacts(server.database).get(ContactId("c1"))
    assert record is not None and record.offered_at and record.popped_at and record.shown_at and record.ringing_at
    assert record.offered_at <= record.popped_at <= record.ringing_at


async def test_names_and_words_from_outside_are_only_ever_text(server: BridgeServer, page: Page) -> None:
    customers = Customers(server.database)
    await customers.add(name=XSS, phones=["13500001111"], tier=CustomerTier.PLATINUM, note=XSS, preferences={XSS: XSS})
    await log_in(page)
    await server.ring(caller="13500001111", path=(XSS,), order=XSS)
    await expect(page.locator(".pop-name")).to_have_text(XSS)
    await expect(page.locator(".about-note")).to_have_text(XSS)
    await server.answer()
    await expect(page.locator(".ticket-subject")).to_contain_text(XSS)
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("#app img, #app script").count() == 0


async def test_a_stranger_without_a_number_still_pops(server: BridgeServer, page: Page) -> None:
    await log_in(page)
    await server.ring(caller="")
    await expect(page.locator(".pop-name")).to_have_text("陌生来电")
    await expect(page.locator(".pop-phone")).to_have_text("未显示号码")


async def test_a_call_that_was_not_answered_leaves_the_screen(server: BridgeServer, page: Page) -> None:
    await log_in(page)
    await server.ring()
    await expect(page.locator(".pop")).to_be_visible()
    failed = ev.OfferFailed(
        at=server.clock.now(),
        contact_id=ContactId("c1"),
        offer_id=OFFER,
        agent_id=AgentId("1001"),
        failure=ev.OfferFailure.NO_ANSWER,
    )
    server.bus.publish(failed)
    server.agents.move(AgentId("1001"), ev.AgentState.PAUSED, reason="ring_no_answer")
    await expect(page.locator(".pop")).to_have_count(0)
    await expect(page.locator(".toast")).to_have_text("来电未接听")
    await expect(page.locator("[data-state=paused]")).to_contain_text("未接来电")


async def test_given_the_server_gone_for_a_while_then_the_page_says_so_and_catches_up(
    server: BridgeServer, page: Page
) -> None:
    await log_in(page)
    await server.vanish()
    await expect(page.locator(".link-lost")).to_be_visible()
    await server.ring()
    await server.answer()
    await server.listen()
    await expect(page.locator(".link-lost")).to_have_count(0)
    await expect(page.locator(".pop-name")).to_have_text("王芳")
    await expect(page.locator("[data-ticket]")).to_be_visible()


async def test_given_a_reload_in_the_middle_of_a_call_then_nothing_is_lost(server: BridgeServer, page: Page) -> None:
    await log_in(page)
    await server.ring()
    await server.answer()
    await page.fill(".note", "已核对")
    await expect(page.locator(".save-saved")).to_be_visible()
    await page.reload()
    await expect(page.locator(".pop-name")).to_have_text("王芳")
    await expect(page.locator(".note")).to_have_value("已核对")


async def test_the_language_is_switched_and_remembered(server: BridgeServer, page: Page) -> None:
    await page.click("text=English")
    await log_in(page, ready=False)
    await expect(page.locator(".idle h1")).to_have_text("Not ready yet")
    await page.reload()
    await expect(page.locator(".idle h1")).to_have_text("Not ready yet")
    await server.ring(caller="+14155552671")
    await expect(page.locator(".tier").first).to_have_text("Silver")
    await expect(page.locator(".order-status").first).to_have_text("delivered")


async def test_a_wrong_password_is_said_and_the_keyboard_moves_the_agent(server: BridgeServer, page: Page) -> None:
    await page.fill("[name=login]", "agent")
    await page.fill("[name=password]", "wrong")
    await page.keyboard.press("Enter")
    await expect(page.locator("[role=alert]")).to_have_text("工号或密码不正确")
    await log_in(page, ready=False)
    await expect(page.locator("[data-state=logged_out]")).to_be_visible()
    await page.keyboard.press("Alt+r")
    await expect(page.locator("[data-state=available]")).to_be_visible()
    await page.keyboard.press("Alt+p")
    await page.click("role=menuitem[name=用餐]")
    await expect(page.locator("[data-state=paused]")).to_contain_text("用餐")
    server.agents.refusal = "the phone is not registered"
    await page.keyboard.press("Alt+r")
    await expect(page.locator(".toast")).to_have_text("the phone is not registered")
    server.agents.refusal = None
    await page.click("[aria-label=退出]")
    await expect(page.locator(".login-card")).to_be_visible()
    (agent, _) = server.agents.agents()
    assert agent.state is ev.AgentState.LOGGED_OUT


async def test_given_a_message_with_one_queue_then_the_others_stay_on_the_page(
    server: BridgeServer, page: Page
) -> None:
    server.agents.came = [server.clock.now() - timedelta(seconds=seconds) for seconds in (65, 5)]
    await log_in(page)
    returns, general = page.locator("[data-queue=returns]"), page.locator("[data-queue=general]")
    await expect(returns.locator(".queue-number")).to_have_text("2")
    await expect(returns).to_contain_text("1:0")
    await expect(general).to_contain_text("无人等候")
    server.agents.came.append(server.clock.now())
    changed = [queue for queue in server.agents.queues() if queue.name == "returns"]
    data = {"queues": TypeAdapter(list[QueueView]).dump_python(changed, mode="json")}
    server.hub.tell_agent(AgentId("1001"), encode("switchroom.queues", server.clock.now(), data))
    await expect(returns.locator(".queue-number")).to_have_text("3")
    await expect(general.locator(".queue-number")).to_have_text("0")


async def test_given_letters_typed_anywhere_then_none_of_them_acts_and_alt_does(
    server: BridgeServer, page: Page
) -> None:
    await log_in(page)
    await server.ring()
    opened = await server.answer()
    await server.end()
    await expect(page.locator("[data-state=wrap_up]")).to_be_visible()
    note = page.locator(".note")
    for place in ("body", "button.ready", ".menu-box button", ".disposition >> nth=0", ".note"):
        await page.locator(place).focus()
        await page.keyboard.type("refund 1", delay=10) if place == ".note" else await page.keyboard.type("refundpn1")
    await expect(note).to_have_value("refund 1")
    await expect(page.locator("[data-state=wrap_up]")).to_be_visible()
    assert await page.locator(".disposition[aria-checked=true]").count() == 0
    assert await page.locator(".menu").count() == 0

    await page.keyboard.press("Alt+2")
    await expect(page.locator(".disposition[aria-checked=true]")).to_contain_text("退款")
    await page.locator("button.ready").focus()
    await page.keyboard.press("Alt+n")
    await expect(note).to_be_focused()
    await page.keyboard.press("Alt+p")
    await expect(page.locator(".menu")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("[data-state=available]")).to_be_visible()
    ticket = await Tickets(server.database).get(opened.ticket_id)
    assert ticket is not None and (ticket.disposition, ticket.note) == ("refund", "refund 1")


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (1440, 900)])
async def test_given_a_call_then_phone_and_whole_ticket_are_in_sight_without_scrolling(
    server: BridgeServer, page: Page, width: int, height: int
) -> None:
    await page.set_viewport_size({"width": width, "height": height})
    await log_in(page)
    await server.ring()
    await server.answer()
    for seen in (".phone-light", ".pop-name", ".button.danger", ".note", ".ticket-actions .primary"):
        await expect(page.locator(seen)).to_be_in_viewport(ratio=1)
    await page.mouse.move(width / 4, height / 2)
    await page.mouse.wheel(0, 2000)  # down to the end of the record
    for seen in (".phone-light", ".note", ".ticket-actions .primary"):
        await expect(page.locator(seen)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(("width", "height"), [(390, 844), (720, 450), (1024, 768)])
async def test_given_a_phone_or_a_zoom_of_200_percent_then_nothing_is_cut_off_sideways(
    server: BridgeServer, page: Page, width: int, height: int
) -> None:
    await page.set_viewport_size({"width": width, "height": height})
    await page.click("text=English")
    await log_in(page)
    await server.ring()
    await server.answer()
    await expect(page.locator(".note")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    name, note = await page.locator(".pop-name").bounding_box(), await page.locator(".note").bounding_box()
    orders = await page.locator(".pop-body").bounding_box()
    assert name and note and orders
    if width < 900:  # one column: who calls, the ticket, then the rest
        assert name["y"] < note["y"] < orders["y"]
