"""What the AMI adapter sends to move a call, and what it makes of a refusal."""

import pytest

from switchroom.domain.ids import AgentId, OfferId
from telephony.softswitch.port import CallerLeft, CallGone, SwitchError
from tests.fakes.ami_server import AmiServer
from tests.fakes.fake_softswitch import delivery
from tests.fixtures.watched_ami import AGENT, CALL, CALL_LEFT, CHANNEL, WAITING, Watched

LEG = "1764000000.7"


async def test_given_a_caller_when_connected_then_the_ring_time_and_the_redirect_go_out_back_to_back(
    server: AmiServer, watched: Watched
) -> None:
    await watched.with_call(server)
    server.answers["Setvar"] = None  # whoever waited for this answer would not send the Redirect
    with pytest.raises(SwitchError, match="did not answer"):
        await watched.softswitch.connect(CALL, delivery(AGENT, 20))
    setvar, redirect = server.actions[-2:]
    assert (setvar["Action"], setvar["Variable"], setvar["Value"]) == ("Setvar", "RING_S", "20")
    assert (redirect["Action"], redirect["Context"], redirect["Exten"]) == ("Redirect", "connect", "1001")
    assert setvar["Channel"] == redirect["Channel"] == CHANNEL


async def test_given_a_caller_when_told_to_wait_then_next_is_written_last(server: AmiServer, watched: Watched) -> None:
    await watched.with_call(server)
    await watched.softswitch.wait(CALL, WAITING, {"order": "张三"})
    written = {action["Variable"]: action["Value"] for action in server.asked("Setvar")}
    assert list(written)[-1] == "NEXT"
    assert written["QUEUE"] == "refund"
    assert written["COLLECTED"] == '{"order":"张三"}'
    assert written["NEXT"] == "waiting"


@pytest.mark.parametrize(
    "reason", ["Channel does not exist: PJSIP/carrier-1", "No such channel", "Redirect failed, channel not up."]
)
async def test_given_a_caller_who_hung_up_when_moved_then_the_call_is_gone(
    server: AmiServer, watched: Watched, reason: str
) -> None:
    await watched.with_call(server)
    server.answers["Redirect"] = f"Response: Error\r\nMessage: {reason}"
    with pytest.raises(CallGone):
        await watched.softswitch.connect(CALL, delivery(AGENT, 20))
    server.send(CALL_LEFT)
    await watched.told(CallerLeft(contact_id=CALL))
    with pytest.raises(SwitchError):
        await watched.softswitch.hang_up(CALL)


async def test_given_a_refusal_when_it_is_not_about_the_caller_then_it_is_an_error(
    server: AmiServer, watched: Watched
) -> None:
    await watched.with_call(server)
    server.answers["Redirect"] = "Response: Error\r\nMessage: Permission denied"
    with pytest.raises(SwitchError, match="Permission denied") as error:
        await watched.softswitch.connect(CALL, delivery(AGENT, 20))
    assert not isinstance(error.value, CallGone)


async def test_given_a_talk_when_held_or_consulting_then_both_legs_are_moved_in_one_action(
    server: AmiServer, watched: Watched
) -> None:
    await watched.with_call(server)
    server.answers["Getvar"] = f"Response: Success\r\nVariable: AGENT_LEG\r\nValue: {LEG}"
    await watched.softswitch.hold(CALL)
    await watched.softswitch.consult(CALL, delivery(AgentId("1002"), 15, OfferId("c1")))
    hold, consult = server.asked("Redirect")
    assert (hold["Channel"], hold["Context"], hold["Exten"]) == (CHANNEL, "held", "s")
    assert (hold["ExtraChannel"], hold["ExtraContext"], hold["ExtraExten"]) == (LEG, "holding", "s")
    assert (consult["Context"], consult["ExtraContext"], consult["ExtraExten"]) == ("consulting", "consult", "1002")
    written = {action["Variable"]: action["Value"] for action in server.asked("Setvar")}
    assert written == {
        "CONSULTED": "1002",
        "CONSULT": "c1",
        "CONSULT_S": "15",
        "EXPERT_LEG": "",
        "JOINED_AT": "",
        "BACK": "",
    }


async def test_given_a_talk_when_it_changes_hands_then_the_caller_alone_is_moved(
    server: AmiServer, watched: Watched
) -> None:
    await watched.with_call(server)
    server.answers["Getvar"] = f"Response: Success\r\nVariable: AGENT_LEG\r\nValue: {LEG}"
    for command in (watched.softswitch.resume, watched.softswitch.complete, watched.softswitch.conference):
        await command(CALL)
    assert [(one["Context"], "ExtraChannel" in one) for one in server.asked("Redirect")] == [
        ("resumed", False),
        ("takeover", False),
        ("conference", False),
    ]


@pytest.mark.parametrize(
    ("leg", "said"),
    [
        ("", "Channel does not exist: "),
        (LEG, f"Channel does not exist: {LEG}"),
        (LEG, "Redirect failed, extra channel not up."),
        (LEG, "Secondary redirect failed."),
    ],
)
async def test_given_an_agents_leg_that_is_gone_when_held_then_it_is_refused_and_the_caller_is_not_taken_for_gone(
    server: AmiServer, watched: Watched, leg: str, said: str
) -> None:
    await watched.with_call(server)
    server.answers["Getvar"] = f"Response: Success\r\nVariable: AGENT_LEG\r\nValue: {leg}"
    server.answers["Redirect"] = f"Response: Error\r\nMessage: {said}"
    with pytest.raises(SwitchError) as error:
        await watched.softswitch.hold(CALL)
    assert not isinstance(error.value, CallGone)


async def test_given_a_transfer_that_is_refused_then_the_old_place_is_on_the_channel(
    server: AmiServer, watched: Watched
) -> None:
    await watched.with_call(server)
    server.answers["Redirect"] = "Response: Error\r\nMessage: Permission denied"
    with pytest.raises(SwitchError, match="Permission denied"):
        await watched.softswitch.transfer(CALL, WAITING)
    written = {action["Variable"]: action["Value"] for action in server.asked("Setvar")}
    assert written["TO_QUEUE"] == "refund"
    assert not written.keys() & {"QUEUE", "ENQUEUED_AT", "TIER", "TIER_FIXED", "SKILLS"}
