"""Identified on entry, and popped before the ring."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from cti_bridge.pop.service import POP_DEADLINE_S
from switchroom.domain import events as ev
from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier
from switchroom.domain.ids import AgentId, OfferId
from switchroom.storage.customers import Customers
from tests.fakes.connectors import BrokenCrm, SlowCrm
from tests.fixtures.bridge_house import AGENT, CALL, House
from tests.support.brands import SHOP
from tests.support.waiting import eventually

EXPERT, ASKED = AgentId("1002"), OfferId("asked")


async def test_given_a_known_number_when_the_call_enters_then_the_customer_is_named(open_house: House) -> None:
    open_house.enter()
    identified = await open_house.wait_for(ev.CustomerIdentified)
    assert (identified.contact_id, identified.tier, identified.language) == (CALL, CustomerTier.GOLD, "zh-CN")
    assert identified.customer_id is not None


@pytest.mark.parametrize("caller", ["", "13300000000", "anonymous"])
async def test_given_a_stranger_when_the_call_enters_then_nobody_is_named(open_house: House, caller: str) -> None:
    open_house.enter(caller)
    identified = await open_house.wait_for(ev.CustomerIdentified)
    assert (identified.customer_id, identified.tier) == (None, CustomerTier.STANDARD)


async def test_given_an_offer_then_the_whole_record_is_on_the_screen(open_house: House) -> None:
    house = open_house
    house.enter()
    await house.wait_for(ev.CustomerIdentified)
    house.bus.publish(ev.NodeVisited(at=house.clock.now(), contact_id=CALL, node="returns"))
    house.queue()
    house.clock.advance(12)
    await house.bridge.pops.pop(house.offer())
    await eventually(lambda: house.screens.pops)

    (pop,) = house.screens.pops
    assert pop.customer is not None and pop.customer.name == "王芳"
    assert (pop.path, pop.collected, pop.waited_s) == (("returns",), {"order": "20260105"}, 12.0)
    assert [order.number for order in pop.orders] == ["20260105", "20251218", "20251102"]
    assert [ticket.subject for ticket in pop.tickets] == ["配送时间改到晚上"]
    assert len(pop.contacts) == 3
    popped = await house.wait_for(ev.ScreenPopSent)
    assert (popped.agent_id, popped.offer_id, popped.screens) == (AGENT, "o1", 1)
    house.bridge.pops.shown(AGENT, OfferId("o1"))
    house.bridge.pops.shown(AGENT, OfferId("o1"))
    house.bridge.pops.shown(AGENT, OfferId("forged"))
    assert len(house.all_seen(ev.ScreenPopShown)) == 1


async def test_given_a_desktop_that_draws_then_the_pop_is_over_when_it_says_so(open_house: House) -> None:
    house = open_house
    house.enter()
    await house.wait_for(ev.CustomerIdentified)
    pop = asyncio.create_task(house.bridge.pops.pop(house.offer()))
    await house.wait_for(ev.ScreenPopSent)
    assert not pop.done()
    house.bridge.pops.shown(AGENT, OfferId("forged"))
    _, waits = await asyncio.wait([pop], timeout=0.02)
    assert waits == {pop}
    house.bridge.pops.shown(AGENT, OfferId("o1"))
    await asyncio.wait_for(pop, 1)
    assert len(house.all_seen(ev.ScreenPopShown)) == 1


async def test_given_a_desktop_that_never_draws_then_the_phone_rings_all_the_same(open_house: House) -> None:
    open_house.enter()
    await asyncio.wait_for(open_house.bridge.pops.pop(open_house.offer()), POP_DEADLINE_S + 5)
    await eventually(lambda: len(open_house.all_seen(ev.ScreenPopSent)) == 1)


async def test_given_no_desktop_open_then_nothing_claims_to_have_popped(open_house: House) -> None:
    open_house.screens.count = 0
    open_house.enter()
    await open_house.bridge.pops.pop(open_house.offer())
    await eventually(lambda: open_house.screens.pops)
    assert not open_house.all_seen(ev.ScreenPopSent)


async def test_given_a_slow_crm_then_the_pop_goes_out_with_the_number_and_again_with_the_record(house: House) -> None:
    house.crm = SlowCrm(Customers(house.database))
    await house.open()
    house.enter()
    await house.bridge.pops.pop(house.offer())
    await eventually(lambda: house.screens.pops)
    assert [(pop.customer, pop.phone) for pop in house.screens.pops] == [(None, "138****8000")]
    house.crm.answers.set()
    await eventually(lambda: len(house.screens.pops) == 2)
    assert house.screens.pops[1].customer is not None
    assert house.crm.asked == 1  # nobody asked twice meanwhile
    await house.close()


async def test_given_a_broken_crm_then_the_call_goes_on_as_a_strangers(house: House) -> None:
    house.crm = BrokenCrm(Customers(house.database))
    await house.open()
    house.enter()
    assert (await house.wait_for(ev.CustomerIdentified)).customer_id is None
    await house.bridge.pops.pop(house.offer())
    await eventually(lambda: bool(house.all_seen(ev.ScreenPopSent)))
    assert house.screens.pops[0].customer is None
    await house.close()


async def test_given_a_desktop_that_does_not_read_then_the_phone_rings_in_time(open_house: House) -> None:
    open_house.screens.delay_s = 60
    open_house.enter()
    started = asyncio.get_running_loop().time()
    await open_house.bridge.pops.pop(open_house.offer())
    assert asyncio.get_running_loop().time() - started < POP_DEADLINE_S + 1.0
    assert not open_house.all_seen(ev.ScreenPopSent)


async def test_given_a_machine_too_busy_for_the_pop_then_it_comes_on_the_screen_after_the_ring(
    open_house: House,
) -> None:
    open_house.screens.delay_s = POP_DEADLINE_S + 0.2
    open_house.enter()
    await open_house.bridge.pops.pop(open_house.offer())
    assert open_house.screens.pops == []
    await eventually(lambda: bool(open_house.screens.pops))
    await eventually(lambda: bool(open_house.all_seen(ev.ScreenPopSent)))


async def test_given_a_call_adopted_after_a_restart_then_the_desktop_gets_its_story_back(house: House) -> None:
    await house.open()
    house.enter()
    await house.wait_for(ev.CustomerIdentified)
    house.bus.publish(ev.NodeVisited(at=house.clock.now(), contact_id=CALL, node="returns"))
    house.queue()
    house.offer()
    house.connect()
    await house.wait_for(ev.TicketOpened)
    await house.ledger.flush()
    await house.close()
    house.seen.clear()

    house.clock.advance(60)
    await house.open()
    house.bus.publish(
        ev.ContactAdopted(
            at=house.clock.now(),
            contact_id=CALL,
            number="4008123123",
            caller="13800138000",
            brand=SHOP.name,
            entered_at=house.clock.now() - timedelta(seconds=70),
            state=CallState.CONNECTED,
            agent_id=AGENT,
        )
    )
    await house.wait_for(ev.CustomerIdentified)
    await house.ledger.flush()
    pop = await house.bridge.pops.current_pop(AGENT, CALL)
    assert pop is not None and pop.customer is not None
    assert (pop.path, pop.collected, pop.customer.name) == (("returns",), {"order": "20260105"}, "王芳")
    assert pop.answered_at is not None and pop.ticket_id is not None
    assert not house.all_seen(ev.TicketOpened)
    await house.close()


async def test_given_the_end_of_wrap_up_then_the_desktop_is_given_no_old_pop(open_house: House) -> None:
    house = open_house
    house.enter()
    await house.bridge.pops.pop(house.offer())
    house.connect()
    house.end()
    house.agent(ev.AgentState.WRAP_UP)
    in_wrap_up = await house.bridge.pops.current_pop(AGENT, CALL)
    assert in_wrap_up is not None and in_wrap_up.ended_at is not None
    house.agent(ev.AgentState.AVAILABLE)
    assert await house.bridge.pops.current_pop(AGENT, None) is None


def consult(house: House) -> None:
    house.bus.publish(
        ev.ConsultStarted(at=house.clock.now(), contact_id=CALL, agent_id=AGENT, consulted=EXPERT, offer_id=ASKED)
    )


def consult_over(house: House, ending: ev.ConsultEnding) -> None:
    house.bus.publish(
        ev.ConsultEnded(
            at=house.clock.now(), contact_id=CALL, agent_id=AGENT, consulted=EXPERT, offer_id=ASKED, ending=ending
        )
    )


async def talking(house: House) -> None:
    house.enter()
    await house.wait_for(ev.CustomerIdentified)
    house.queue()
    await house.bridge.pops.pop(house.offer())
    house.connect()
    await house.wait_for(ev.TicketOpened)
    house.screens.pops.clear()


async def test_given_an_agent_who_is_asked_then_they_see_of_whom_and_when_they_take_over_the_ticket_too(
    open_house: House,
) -> None:
    house = open_house
    await talking(house)
    house.clock.advance(30)
    consult(house)
    await eventually(lambda: house.screens.pops, "the expert sees the record")
    asked = house.screens.pops[-1]
    assert (asked.agent_id, asked.offer_id, asked.customer and asked.customer.name) == (EXPERT, ASKED, "王芳")
    assert (asked.answered_at, asked.ticket_id) == (None, None), "the talk and the ticket are the other's"

    house.clock.advance(10)
    consult_over(house, ev.ConsultEnding.HANDED_OVER)
    connected = ev.ContactConnected(at=house.clock.now(), contact_id=CALL, agent_id=EXPERT, offer_id=ASKED)
    house.bus.publish(connected)
    await eventually(lambda: len(house.screens.pops) == 2, "with the ticket")
    taken = house.screens.pops[-1]
    assert (taken.agent_id, taken.answered_at) == (EXPERT, house.clock.now())
    assert taken.ticket_id == (await house.wait_for(ev.TicketOpened)).ticket_id
    assert [event.agent_id for event in house.all_seen(ev.ScreenPopSent)] == [AGENT], "no offer of the ACD"


async def test_given_an_agent_who_was_asked_and_is_not_any_more_then_they_are_shown_nothing_of_it(
    open_house: House,
) -> None:
    house = open_house
    await talking(house)
    consult(house)
    await eventually(lambda: house.screens.pops, "the expert sees the record")
    consult_over(house, ev.ConsultEnding.RETURNED)
    assert await house.bridge.pops.current_pop(EXPERT, None) is None
    mine = await house.bridge.pops.current_pop(AGENT, CALL)
    assert mine is not None and mine.answered_at is not None


async def test_given_a_contact_that_was_transferred_when_it_rings_then_the_pop_is_not_of_the_talk_before(
    open_house: House,
) -> None:
    house = open_house
    await talking(house)
    now = house.clock.now()
    house.bus.publish(ev.TalkEnded(at=now, contact_id=CALL, agent_id=AGENT, offer_id=OfferId("o1"), began_at=now))
    offer = replace(house.offer(), offer_id=OfferId("o2"), agent_id=EXPERT)
    house.bus.publish(offer)
    await house.bridge.pops.pop(offer)
    await eventually(lambda: house.screens.pops, "the next agent sees the record")
    pop = house.screens.pops[-1]
    assert (pop.agent_id, pop.answered_at, pop.ended_at) == (EXPERT, None, None)
    assert [talk.agent_id for talk in pop.talks] == [AGENT]
