"""The demonstration's softphone against the real Asterisk."""

import time

import pytest

from demo.softphone import PhoneCall, Softphone, SoftphoneError
from switchroom.domain.ids import AgentId
from telephony.softswitch.port import AgentAnswered, AgentLeft, AgentRinging, CallerLeft
from tests.e2e.audio import loudest_hz, read_stereo, tone
from tests.e2e.conftest import RunningAsterisk, Softphones
from tests.e2e.menu_server import MenuServer
from tests.e2e.phones import free_port
from tests.e2e.switch import Switch, queue_caller
from tests.fakes.fake_softswitch import OFFER, delivery
from tests.support.waiting import eventually

NUMBER, CALLER, AGENT = "4008123123", "13900139000", AgentId("1003")


async def test_given_two_phones_when_they_talk_then_each_hears_the_other_and_the_recording_has_both(
    switch: Switch, menu: MenuServer, softphones: Softphones, asterisk: RunningAsterisk
) -> None:
    agent = softphones.agent(AGENT, answer_after_s=0.3)
    outgoing = softphones.customer(CALLER).call(NUMBER)
    contact_id = await queue_caller(switch, menu)
    await switch.softswitch.connect(contact_id, delivery(AGENT, 10))
    await switch.told(AgentAnswered(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    incoming = agent.wait_call(5)
    assert incoming.remote == CALLER
    outgoing.play(tone(440, 2))
    incoming.play(tone(1000, 2))
    await eventually(lambda: len(incoming.heard()) > 8000 and len(outgoing.heard()) > 16000, "both heard something")
    await eventually(lambda: all(idle(call) for call in (incoming, outgoing)), "all was said")
    incoming.hang_up()
    await switch.told(AgentLeft(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    await switch.told(CallerLeft(contact_id=contact_id))
    outgoing.wait_ended(5)

    assert AgentRinging(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT) in switch.events
    assert loudest_hz(incoming.heard()[-8000:]) == pytest.approx(440, abs=10)
    assert loudest_hz(outgoing.heard()[-8000:]) == pytest.approx(1000, abs=10)
    (recording,) = asterisk.recordings.glob(f"{contact_id}-{AGENT}-*.raw")
    left, right = read_stereo(recording)
    assert loudest_hz(left) == pytest.approx(440, abs=10)
    assert loudest_hz(right) == pytest.approx(1000, abs=10)
    assert incoming.rang_at and incoming.answered_at and incoming.ended_at
    assert 0.25 < (incoming.answered_at - incoming.rang_at).total_seconds() < 1
    assert incoming.rang_at < incoming.answered_at < incoming.ended_at


async def test_given_a_menu_when_keys_are_pressed_while_talking_then_each_arrives_once(
    menu: MenuServer, softphones: Softphones
) -> None:
    call = softphones.customer().call(NUMBER)
    await eventually(lambda: menu.callers, "the caller is in the menu")
    (contact_id,) = menu.callers
    call.play(tone(440, 2))
    call.press("1123#*0")
    await eventually(lambda: menu.keys[contact_id] == "1123#*0", f"the keys arrived: {menu.keys}")
    call.hang_up()
    await eventually(lambda: not menu.callers, "the caller is gone")


async def test_given_a_ringing_phone_when_nobody_answers_then_the_ringing_is_taken_back(
    switch: Switch, menu: MenuServer, softphones: Softphones
) -> None:
    agent = softphones.agent(AGENT, answer_after_s=None)
    softphones.customer().call(NUMBER)
    contact_id = await queue_caller(switch, menu)
    await switch.softswitch.connect(contact_id, delivery(AGENT, 1))
    incoming = agent.wait_call(5)
    await eventually(lambda: incoming.ended_at, "the ringing was taken back")
    assert incoming.answered_at is None


@pytest.mark.parametrize(("caller", "shown"), [("+8613800138000", "+8613800138000"), ("anonymous", "anonymous")])
async def test_given_a_callers_number_when_the_agents_phone_rings_then_it_shows_what_was_let_through(
    switch: Switch, menu: MenuServer, softphones: Softphones, caller: str, shown: str
) -> None:
    agent = softphones.agent(AGENT, answer_after_s=None)
    softphones.customer(caller).call(NUMBER)
    contact_id = await queue_caller(switch, menu)
    await switch.softswitch.connect(contact_id, delivery(AGENT, 10))
    await switch.told(AgentRinging(contact_id=contact_id, offer_id=OFFER, agent_id=AGENT))
    assert agent.wait_call(5).remote == shown


def test_given_a_number_that_is_not_ours_when_it_is_called_then_it_is_not_found(softphones: Softphones) -> None:
    call = softphones.customer().call("95588")
    with pytest.raises(SoftphoneError):
        call.wait_answered(5)
    assert call.status == 404


@pytest.mark.parametrize("wrong", ["password", "server"])
def test_given_a_wrong_account_when_it_starts_then_it_says_so_and_ends(asterisk: RunningAsterisk, wrong: str) -> None:
    sip = asterisk.settings.sip
    server = (sip.host, sip.port if wrong == "password" else free_port())
    phone = Softphone(server, AGENT, "wrong")
    started = time.monotonic()
    with pytest.raises(SoftphoneError):
        phone.start()
    assert time.monotonic() - started < 5


def test_given_a_registered_phone_when_it_stops_then_it_does_not_hang(asterisk: RunningAsterisk) -> None:
    sip = asterisk.settings.sip
    phone = Softphone((sip.host, sip.port), AGENT, asterisk.credentials.sip_passwords[AGENT])
    phone.start()
    started = time.monotonic()
    phone.stop()
    assert time.monotonic() - started < 1
    assert f"Contact:  {AGENT}/" not in asterisk.local.cli("pjsip show contacts")


def idle(call: PhoneCall) -> bool:
    return all(client.idle() for client in call.RTPClients)
