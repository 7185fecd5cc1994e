"""The media server: whom it serves, what it refuses, and that one connection harms no other."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from ivr.server import MediaServer
from ivr.speech.listening import Recognisers
from ivr.speech.synthesis import Prompts
from switchroom.domain.caller import Caller
from switchroom.domain.errors import UnknownContact
from switchroom.domain.ids import ContactId
from switchroom.runtime.listening import doors
from switchroom.runtime.settings import Media, SettingsError
from tests.fakes.ivr_asterisk import FakeAsterisk
from tests.fixtures.menu_house import House, menu_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with menu_house(tmp_path) as house:
        yield house


async def test_an_unknown_call_and_a_call_in_use_are_closed(house: House) -> None:
    async with FakeAsterisk(house.port, "nobody") as unknown:
        await asyncio.wait_for(unknown.closed.wait(), 20)
    async with FakeAsterisk(house.port, "c-1", plays=False) as first:
        await first.hears("Main menu.")
        async with FakeAsterisk(house.port, "c-1") as second:
            await asyncio.wait_for(second.closed.wait(), 20)
        assert not first.closed.is_set()
    assert unknown.said == second.said == []


@pytest.mark.parametrize("contact_id", ["", "a" * 65, "../x", "a b", "张"])
async def test_a_call_id_that_is_none_is_refused(house: House, contact_id: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with FakeAsterisk(house.port, contact_id):
            pass
    assert caught.value.status == 400


@pytest.mark.parametrize("gone", [False, True])
async def test_given_no_flow_for_the_number_then_the_caller_waits_in_the_fallback_queue(
    house: House, gone: bool
) -> None:
    house.calls.fails_with = UnknownContact("gone") if gone else None
    stranger = Caller(contact_id=ContactId("c-2"), number="999", phone="")
    house.calls.callers[stranger.contact_id] = stranger
    async with FakeAsterisk(house.port, "c-2") as asterisk:
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    await house.calls.until("released")
    assert house.calls.record == ([] if gone else [("fall_back", {})]) + [("released",)]
    assert asterisk.commands[-1] == "HANGUP"


async def test_given_a_connection_that_says_nothing_then_it_is_closed_in_time(house: House) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"http://127.0.0.1:{house.port}/media?contact_id=c-1", protocols=("media",)) as socket,
    ):
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
    assert house.calls.record == []


async def test_malformed_messages_end_one_call_and_no_other(house: House) -> None:
    """Fuzz: whatever a connection sends, it is closed (or goes on), and the next caller is served."""
    dice = random.Random(7)
    start = json.dumps(
        {
            "event": "MEDIA_START",
            "channel": "c",
            "channel_id": "1",
            "format": "slin",
            "optimal_frame_size": 320,
            "ptime": 20,
        }
    )
    pieces = [
        start,
        "{",
        "[]",
        '{"event":5}',
        '{"event":"DTMF_END","digit":"xx"}',
        '{"event":"MEDIA_XON"}',
        "\0",
        "张" * 99,
    ]
    pieces += [start.replace("320", n) for n in ("0", "-1", "null", "1e9")]
    pieces += ['{"event":"MEDIA_MARK_PROCESSED","correlation_id":"1:x"}', '{"event":"DTMF_END","digit":"1"}']
    async with aiohttp.ClientSession() as http:
        for _ in range(60):
            async with http.ws_connect(f"http://127.0.0.1:{house.port}/media?contact_id=c-1") as socket:
                with contextlib.suppress(ConnectionError):
                    for _ in range(dice.randrange(1, 6)):
                        if dice.random() < 0.3:
                            await socket.send_bytes(dice.randbytes(dice.randrange(0, 2000)))
                        else:
                            await socket.send_str(dice.choice(pieces))
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.hears("Main menu.")


async def test_given_a_taken_port_then_the_error_says_so(house: House, tmp_path: Path) -> None:
    prompts = Prompts([house.synthesiser], tmp_path, tmp_path)
    second = MediaServer(
        Media(port=house.port), house.flows, house.calls, house.lookups, prompts, Recognisers({}), most=1
    )
    taken = f"127.0.0.1:{house.port} cannot be used for media .*SWITCHROOM_MEDIA__PORT"
    async with doors() as opened:
        with pytest.raises(SettingsError, match=taken):
            await second.start(opened)
    await second.stop()


async def test_given_the_server_stops_then_callers_are_let_go(house: House) -> None:
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.hears("Main menu.")
        await house.server.stop()
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    await house.calls.until("released")
