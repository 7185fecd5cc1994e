"""What goes over the wire to Asterisk: any split and any rubbish comes in, no line break goes out."""

import asyncio
import random

import pytest

from switchroom.domain.contact import Requirements, Waiting
from switchroom.domain.ids import AgentId, QueueName
from telephony.softswitch.ami_protocol import MAX_MESSAGE, AmiProtocol
from telephony.softswitch.port import SwitchDown, SwitchError, SwitchUp
from telephony.softswitch.translate import Message
from tests.fakes.ami_server import AmiServer
from tests.fakes.fake_softswitch import delivery
from tests.fixtures.watched_ami import CALL, TRACES, WAITING, Watched


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
