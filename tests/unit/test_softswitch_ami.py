"""The AMI adapter against a server that misbehaves in each of the ways that panoramisk does not survive."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from switchroom.domain.contact import Requirements, Waiting
from switchroom.domain.ids import AgentId, ContactId, OfferId, QueueName
from telephony.softswitch.ami import AmiSoftswitch
from telephony.softswitch.ami_link import AmiTiming
from telephony.softswitch.ami_protocol import MAX_MESSAGE, AmiProtocol
from telephony.softswitch.port import (
    CallerArrived,
    CallerFellBack,
    CallerLeft,
    CallGone,
    SwitchDown,
    SwitchError,
    SwitchEvent,
    SwitchUp,
)
from telephony.softswitch.translate import Message
from tests.fakes.ami_server import AmiServer, ami_server
from tests.fakes.fake_softswitch import delivery
from tests.support.waiting import eventually

CALL, AGENT, CHANNEL = ContactId("91c64074-e96f-453e-969e-6e042287e7c2"), AgentId("1001"), "PJSIP/carrier-00000001"
WAITING = Waiting(Requirements(QueueName("refund")), datetime(2026, 11, 23, 9, tzinfo=UTC))
QUICK = AmiTiming(action_s=0.3, ping_every_s=0.02, first_backoff_s=0.02, longest_backoff_s=0.1)
TRACES = Path(__file__).parent.parent / "fixtures" / "ami"
FELL_BACK = (TRACES / "fell_back.txt").read_bytes()

CALL_ENTERED = (
    f"Event: UserEvent\r\nChannel: {CHANNEL}\r\nChanVariable: CONTACT_ID={CALL}\r\nChanVariable: LEG=caller\r\n"
    "UserEvent: ContactEntered\r\nNumber: 4008123123\r\nCaller: 13800138000\r\n\r\n"
).encode()
CALL_LEFT = (
    f"Event: Hangup\r\nChannel: {CHANNEL}\r\nChanVariable: CONTACT_ID={CALL}\r\nChanVariable: LEG=caller\r\n\r\n"
).encode()
ARRIVED = CallerArrived(contact_id=CALL, number="4008123123", caller="13800138000")


class Watched:
    """An adapter and what it told."""

    def __init__(self, server: AmiServer, secret: str = "right") -> None:
        self.softswitch = AmiSoftswitch("127.0.0.1", server.port, "switchroom", secret, Path("journal"), QUICK)
        self.events: list[SwitchEvent] = []

    async def told(self, *events: SwitchEvent) -> None:
        await eventually(lambda: self.events[-len(events) :] == list(events), f"{events} in {self.events}")

    async def with_call(self, server: AmiServer) -> None:
        """Connect, and know of one caller."""
        await self.softswitch.start(self.events.append)
        await self.told(SwitchUp())
        server.send(CALL_ENTERED)
        await self.told(ARRIVED)


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with ami_server() as made:
        yield made


@pytest.fixture
async def watched(server: AmiServer) -> AsyncIterator[Watched]:
    made = Watched(server)
    yield made
    await made.softswitch.stop()


async def test_given_no_connection_when_anything_is_asked_then_it_is_refused_at_once(watched: Watched) -> None:
    assert not watched.softswitch.connected
    for asked in (
        watched.softswitch.snapshot(),
        watched.softswitch.connect(CALL, delivery(AGENT, 20)),
        watched.softswitch.hang_up(CALL),
    ):
        with pytest.raises(SwitchError, match="not connected"):
            await asked


async def test_given_a_login_when_asterisk_is_not_booted_yet_then_it_is_up_only_afterwards(
    server: AmiServer, watched: Watched
) -> None:
    server.boots, server.after_login = False, CALL_ENTERED
    await watched.softswitch.start(watched.events.append)
    await eventually(lambda: server.logins, "logged in")
    with pytest.raises(SwitchError, match="not connected"):
        await watched.softswitch.snapshot()
    server.tell(Event="FullyBooted")
    await eventually(lambda: watched.softswitch.connected, "up")
    assert watched.events == [SwitchUp()]  # what was told before is for the snapshot


async def test_given_a_login_when_asterisk_dies_while_booting_then_the_adapter_connects_again(
    server: AmiServer, watched: Watched
) -> None:
    server.boots = False
    await watched.softswitch.start(watched.events.append)
    await eventually(lambda: server.logins, "logged in")
    server.boots = True
    server.drop()
    await watched.told(SwitchUp())
    assert watched.events == [SwitchUp()]


async def test_given_a_refused_login_when_tried_then_it_is_logged_and_tried_again(
    server: AmiServer, watched: Watched
) -> None:
    server.answers["Login"] = "Response: Error\r\nMessage: Authentication failed"
    with capture_logs() as logs:
        await watched.softswitch.start(watched.events.append)
        await eventually(lambda: len(server.asked("Login")) >= 3, "three tries")
    refused = [entry for entry in logs if entry["event"] == "ami.login_refused"]
    assert refused
    assert refused[0]["log_level"] == "error"
    assert not any("right" in str(entry) for entry in logs), "the secret is in the log"
    assert watched.events == []
    del server.answers["Login"]
    await watched.told(SwitchUp())


async def test_given_no_server_when_it_comes_up_later_then_the_adapter_finds_it(server: AmiServer) -> None:
    port = server.port
    await server.stop()
    watched = Watched(server)
    await watched.softswitch.start(watched.events.append)
    later = AmiServer()
    await later.start(port)
    await watched.told(SwitchUp())
    await watched.softswitch.stop()
    assert SwitchDown() not in watched.events, "stopping is no loss"
    await later.stop()


async def test_given_a_redirect_without_answer_when_the_connection_is_lost_then_it_fails_and_is_not_sent_again(
    server: AmiServer, watched: Watched
) -> None:
    await watched.with_call(server)
    server.drop_on = "Redirect"
    with pytest.raises(SwitchError, match="lost"):
        await watched.softswitch.connect(CALL, delivery(AGENT, 20))
    await watched.told(SwitchDown(), SwitchUp())
    server.drop_on = None
    server.send(CALL_ENTERED)
    await watched.told(ARRIVED)
    await watched.softswitch.hang_up(CALL)
    assert len(server.asked("Redirect")) == 1
    assert [asked["Variable"] for asked in server.asked("Setvar")] == ["TO_OFFER", "TO_AGENT", "RING_S"]


async def test_given_a_silent_server_when_an_action_is_asked_then_the_deadline_ends_it_and_nothing_is_kept(
    server: AmiServer, watched: Watched
) -> None:
    await watched.with_call(server)
    server.answers["Hangup"] = None
    for _ in range(3):
        with pytest.raises(SwitchError, match="did not answer"):
            await watched.softswitch.hang_up(CALL)
    protocol = watched.softswitch._link._protocol
    assert protocol is not None
    assert [action["Action"] for action in protocol.responses.values() if action["Action"] != "Ping"] == []
    late = server.asked("Hangup")[0]["ActionID"]
    server.tell(Response="Success", ActionID=late)
    server.send(CALL_LEFT)
    await watched.told(CallerLeft(contact_id=CALL))


async def test_given_unanswered_pings_when_the_deadline_passes_then_the_connection_is_given_up(
    server: AmiServer, watched: Watched
) -> None:
    await watched.with_call(server)
    server.answers["Ping"] = None
    await watched.told(SwitchDown(), SwitchUp())
    assert server.logins == 2


@pytest.mark.parametrize("hostile", ["refund\r\nAction: Originate", "a\nb", "a\x00b", "\x7f"])
async def test_given_a_line_break_in_a_value_when_sent_then_it_is_refused_and_nothing_is_written(
    server: AmiServer, watched: Watched, hostile: str
) -> None:
    await watched.with_call(server)
    before = len(server.actions)
    with pytest.raises(SwitchError):
        await watched.softswitch.wait(CALL, Waiting(Requirements(QueueName(hostile)), WAITING.enqueued_at), {})
    with pytest.raises(SwitchError):
        await watched.softswitch.connect(CALL, delivery(AgentId(hostile)))
    protocol = watched.softswitch._link._protocol
    assert protocol is not None
    with pytest.raises(SwitchError, match="control character"):
        await protocol.request({"Action": "Ping"}, {"Action": "Setvar", "Value": hostile}, timeout_s=1)
    with pytest.raises(SwitchError, match="too long"):
        await protocol.request({"Action": "Setvar", "Value": "长" * 400}, timeout_s=1)
    await watched.softswitch.hang_up(CALL)
    assert [action["Action"] for action in server.actions[before:]] == ["Hangup"]


async def test_given_an_endless_message_when_it_passes_the_limit_then_the_connection_is_given_up(
    server: AmiServer, watched: Watched
) -> None:
    await watched.with_call(server)
    server.send(b"Event: " + b"x" * (MAX_MESSAGE + 100))
    await watched.told(SwitchDown(), SwitchUp())


async def test_given_a_handler_that_fails_when_more_happens_then_it_is_told_too(server: AmiServer) -> None:
    watched = Watched(server)

    def handler(event: SwitchEvent) -> None:
        watched.events.append(event)
        if event == ARRIVED:
            raise RuntimeError("the handler's own mistake")

    with capture_logs() as logs:
        await watched.softswitch.start(handler)
        await watched.told(SwitchUp())
        server.send(CALL_ENTERED + CALL_LEFT)
        await watched.told(ARRIVED, CallerLeft(contact_id=CALL))
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["softswitch.handler_failed"]
    assert server.logins == 1
    await watched.softswitch.stop()


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


LEG = "1764000000.7"


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
    assert written == {"CONSULTED": "1002", "CONSULT": "c1", "CONSULT_S": "15", "EXPERT_LEG": "", "JOINED_AT": ""}


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


@pytest.mark.parametrize("leg", ["", LEG])
async def test_given_an_agents_leg_that_is_gone_when_held_then_it_is_refused_and_the_caller_is_not_taken_for_gone(
    server: AmiServer, watched: Watched, leg: str
) -> None:
    await watched.with_call(server)
    server.answers["Getvar"] = f"Response: Success\r\nVariable: AGENT_LEG\r\nValue: {leg}"
    server.answers["Redirect"] = f"Response: Error\r\nMessage: Channel does not exist: {leg}"
    with pytest.raises(SwitchError) as error:
        await watched.softswitch.hold(CALL)
    assert not isinstance(error.value, CallGone)


class Wire(asyncio.Transport):
    """A transport that goes nowhere."""

    def abort(self) -> None:
        pass


def replay(pieces: list[bytes]) -> list[Message]:
    messages: list[Message] = []
    protocol = AmiProtocol(messages.append)
    protocol.connection_made(Wire())
    for piece in pieces:
        protocol.data_received(piece)
    return messages


async def test_given_any_split_of_the_stream_when_read_then_the_same_is_told() -> None:
    event = "Event: UserEvent\r\nUserEvent: ContactFellBack\r\nQueue: 张三的队列\r\n\r\n".encode()
    whole = replay([event * 2])
    assert [message["Queue"] for message in whole] == ["张三的队列"] * 2
    for at in range(1, 2 * len(event)):
        assert replay([(event * 2)[:at], (event * 2)[at:]]) == whole
    assert replay([event[i : i + 1] for i in range(len(event))]) == whole[:1]


@pytest.mark.parametrize("stream", [pytest.param(path.read_bytes(), id=path.stem) for path in TRACES.glob("*.txt")])
async def test_given_a_recorded_connection_when_it_comes_in_pieces_then_nothing_is_lost(stream: bytes) -> None:
    chance = random.Random(7)
    whole = replay([stream])
    cuts = sorted(chance.sample(range(len(stream)), 40))
    assert replay([stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]) == whole
    assert len(whole) == stream.count(b"Event: ") - stream.count(b"UserEvent: ")


async def test_given_broken_utf8_when_read_then_the_rest_is_told() -> None:
    (message,) = replay([b"Event: UserEvent\r\nQueue: a\xffb\r\n\r\n"])
    assert message["Queue"] == "a\ufffdb"


@pytest.mark.parametrize(("header", "uptime_s"), [("Uptime: 3600\r\n", 3600), ("", None), ("Uptime: soon\r\n", None)])
async def test_given_a_login_then_it_is_known_for_how_long_asterisk_has_been_running(
    server: AmiServer, watched: Watched, header: str, uptime_s: int | None
) -> None:
    server.boots, server.after_login = False, f"Event: FullyBooted\r\n{header}\r\n".encode()
    await watched.softswitch.start(watched.events.append)
    await watched.told(SwitchUp())
    assert (await watched.softswitch.snapshot()).uptime_s == pytest.approx(uptime_s, abs=1)


async def test_given_a_fallback_when_told_then_the_adapter_tells_it(server: AmiServer, watched: Watched) -> None:
    await watched.with_call(server)
    server.send(FELL_BACK)
    await eventually(lambda: any(isinstance(event, CallerFellBack) for event in watched.events), "the fallback is told")
