"""A caller's whole way through a menu, with Asterisk's side of the socket played by the test."""

import asyncio
import contextlib
import json
import math
import random
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from ivr.flows import Flows
from ivr.machine import effects
from ivr.ports import LookupFailed
from ivr.replay import replay
from ivr.server import MediaServer
from ivr.speech.listening import Recognisers
from ivr.speech.port import SpeechFailed, Understood
from ivr.speech.synthesis import Kept, Prompts
from switchroom.domain.caller import Caller
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.errors import Refused, UnknownContact
from switchroom.domain.ids import ContactId, QueueName
from switchroom.runtime.listening import doors
from switchroom.runtime.settings import Media, SettingsError
from tests.fakes.ivr_asterisk import FakeAsterisk
from tests.fakes.ivr_calls import FakeCallControl, FakeLookups
from tests.fakes.ivr_speech import FakeRecogniser, FakeSynthesiser
from tests.support.waiting import eventually

MENU = """
ivr: 1
name: shop
numbers: ["4008123123"]
languages: [en-US]
start: main
defaults:
  listen: {timeout: 300ms, between_digits: 200ms}
  noinput: [Nothing heard.]
  nomatch: [Not understood.]
  give_up: {after: 2, goto: agent}
globals:
  "0": {phrases: {en-US: [agent]}, goto: agent}
nodes:
  main:
    menu: Main menu.
    choices:
      "1": {phrases: {en-US: [orders]}, goto: ask}
      "2": {goto: bye}
  ask: {collect: Your number., into: number, digits: {exactly: 8}, goto: find}
  find:
    lookup: orders
    with: {number: "{number}"}
    into: order
    timeout: 100ms
    retries: 1
    ok: {say: "It is {order.status}.", goto: bye}
    not_found: {say: No such order., goto: ask}
    error: {say: Sorry., goto: agent}
  agent: {queue: general, skills: {"lang:en": 1}, say: One moment.}
  bye: {hangup: Goodbye.}
"""
CIRCLE = """
ivr: 1
name: circle
numbers: ["1000"]
languages: [en-US]
start: again
defaults: {noinput: [x], nomatch: [y], give_up: {goto: bye}}
nodes:
  again: {lookup: orders, into: order, ok: again, not_found: bye, error: bye}
  bye: {hangup: Goodbye.}
"""
CALLER = Caller(contact_id=ContactId("c-1"), number="4008123123", phone="13800138000", tier=CustomerTier.GOLD)
CIRCLER = Caller(contact_id=ContactId("c-3"), number="1000", phone="13800138000")


@dataclass
class House:
    port: int
    calls: FakeCallControl
    lookups: FakeLookups
    synthesiser: FakeSynthesiser
    recogniser: FakeRecogniser
    flows: Flows
    server: MediaServer
    prompts: Prompts

    async def prompts_forgotten(self) -> None:
        """Nothing that was made beforehand is there any more."""
        self.prompts._kept = Kept(0)
        self.prompts._cache = self.prompts._cache / "empty"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    folder = tmp_path / "menus"
    folder.mkdir()
    (folder / "shop.yaml").write_text(MENU)
    (folder / "circle.yaml").write_text(CIRCLE)
    calls, lookups, synthesiser, recogniser = (
        FakeCallControl(CALLER, CIRCLER),
        FakeLookups(),
        FakeSynthesiser(),
        FakeRecogniser(),
    )
    prompts = Prompts([synthesiser], tmp_path / "recordings", tmp_path / "cache")
    flows = Flows(folder, tmp_path / "recordings", prompts)
    await flows.load()
    recognisers = Recognisers({"en-US": recogniser})
    server = MediaServer(Media(port=0, claim_timeout_s=0.5), flows, calls, lookups, prompts, recognisers, most=100)
    async with doors() as opened:
        await server.start(opened)
        yield House(server.port, calls, lookups, synthesiser, recogniser, flows, server, prompts)
        await server.stop()
    assert server.sessions == 0


def voice(seconds: float) -> bytes:
    """A buzz with speech-like harmonics, then silence long enough to end the utterance."""
    noise = random.Random(1)
    sound = [
        int(3000 * sum(math.sin(math.tau * 140 * h * i / 8000) / h for h in range(1, 12)) + noise.gauss(0, 200))
        for i in range(int(8000 * seconds))
    ]
    return struct.pack(f"<{len(sound)}h", *(max(-32768, min(32767, s)) for s in sound)) + bytes(16000)


VOICE = voice(0.6)


async def test_given_keys_then_self_service_to_the_goodbye(house: House) -> None:
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.hears("Main menu.")
        await asterisk.press("1")
        await asterisk.hears("Your number.")
        await asterisk.press("20260105#")
        await asterisk.hears("It is shipped.")
        await asterisk.hears("Goodbye.")
        await asyncio.wait_for(asterisk.closed.wait(), 20)

    assert house.lookups.asked == [("orders", {"number": "20260105"})]
    assert house.calls.path == ["main", "ask", "find", "bye"]
    assert house.calls.record[0][:2] == ("flow", "shop")
    assert ("input", "ask", "dtmf", "20260105") in house.calls.record
    assert house.calls.record[-2:] == [("finish",), ("released",)]


async def test_given_silence_then_the_caller_waits_for_an_agent(house: House) -> None:
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        queued = await house.calls.until("queue")
        await asyncio.wait_for(asterisk.closed.wait(), 20)

    assert asterisk.said == ["Main menu.", "Nothing heard.", "Main menu.", "One moment."]
    assert queued[1:] == (Requirements(QueueName("general"), {"lang:en": 1}, CustomerTier.GOLD), {"language": "en-US"})
    assert asterisk.commands[-1] == "HANGUP"


async def test_given_a_key_during_the_prompt_then_it_is_flushed(house: House) -> None:
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.hears("Main menu.")
        await asterisk.press("1")
        await asterisk.hears("Your number.")
        assert "FLUSH_MEDIA" in asterisk.commands


async def test_given_keys_faster_than_the_prompts_then_each_prompt_is_cut_off(house: House) -> None:
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.press("120260105")
        await asterisk.hears("It is shipped.")
        assert asterisk.queued == ["It is shipped."]


async def test_given_a_phrase_then_it_is_taken(house: House) -> None:
    house.recogniser.answers = [Understood("orders", 0.9)]
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.hears("Main menu.")
        assert asterisk.direction == "both"
        await asterisk.speak(VOICE)
        await asterisk.hears("Your number.")
    assert ("input", "main", "speech", "orders") in house.calls.record
    assert set(house.recogniser.asked[0].phrases) == {"orders", "agent"}
    assert "FLUSH_MEDIA" in asterisk.commands


@pytest.mark.parametrize("answer", [None, SpeechFailed("died")])
async def test_given_no_understanding_then_it_says_so_and_keys_go_on_working(
    house: House, answer: SpeechFailed | None
) -> None:
    house.recogniser.answers = [answer]
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.hears("Main menu.")
        await asterisk.speak(VOICE)
        await asterisk.hears("Not understood.")
        await asterisk.press("2")
        await house.calls.until("finish")


async def test_given_no_recogniser_then_the_callers_audio_is_not_even_sent(house: House) -> None:
    house.recogniser.available = False
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.hears("Main menu.")
        await asterisk.press("1")
        await asterisk.hears("Your number.")
        assert asterisk.direction == "out"


async def test_given_a_source_that_fails_once_then_it_is_asked_again(house: House) -> None:
    house.lookups.answers = [LookupFailed("busy")]
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("120260105")
        await asterisk.hears("It is shipped.")
    assert len(house.lookups.asked) == 2


@pytest.mark.parametrize("kind", ["slow", "crash"])
async def test_given_a_source_that_does_not_answer_then_a_human(house: House, kind: str) -> None:
    house.lookups.slow_s = 5 if kind == "slow" else 0
    house.lookups.answers = [ValueError("bug"), ValueError("bug")]
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("120260105")
        await asterisk.hears("Sorry.")
        await house.calls.until("queue")


@pytest.mark.parametrize("value", [Decimal("1.5"), float("nan"), {1, 2}])
async def test_given_a_record_that_cannot_be_written_down_then_the_source_has_failed(
    house: House, value: object
) -> None:
    house.lookups.answers = [{"status": value}] * 2
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("120260105")
        await asterisk.hears("Sorry.")
        await house.calls.until("queue")


async def test_given_the_caller_hangs_up_then_the_call_is_released(house: House) -> None:
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.hears("Main menu.")
    await house.calls.until("released")
    assert house.calls.path == ["main"]


@pytest.mark.parametrize("error", [Refused("timeout"), UnknownContact("gone"), RuntimeError("bug")])
async def test_given_the_queue_cannot_be_had_then_the_dialplan_gets_the_caller(house: House, error: Exception) -> None:
    house.calls.fails_with = error
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("0")
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    await house.calls.until("released")


@pytest.mark.parametrize("foreseen", [True, False])
async def test_given_no_voice_then_the_caller_waits_for_a_person_with_what_was_entered(
    house: House, foreseen: bool
) -> None:
    house.synthesiser.broken = foreseen
    house.synthesiser.fails_on = {"It is shipped."}
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("120260105")
        fell_back = await house.calls.until("fall_back")
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    assert house.calls.path == ["main", "ask", "find"], "the order's state cannot be spoken"
    assert fell_back == ("fall_back", {"number": "20260105", "language": "en-US"})


async def test_given_no_voice_for_the_word_before_the_queue_then_the_caller_waits_there_all_the_same(
    house: House,
) -> None:
    house.synthesiser.broken = True
    await house.prompts_forgotten()
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("0")
        queued = await house.calls.until("queue")
    assert queued[1].queue == "general"


async def test_given_a_voice_at_work_when_a_key_is_pressed_then_it_acts_at_once_and_the_prompt_is_never_heard(
    house: House,
) -> None:
    house.synthesiser.slow_s = 60
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("120260105")
        await house.calls.reaches("find")
        await eventually(lambda: "It is shipped." in house.synthesiser.asked)
        pressed = asyncio.get_running_loop().time()
        await asterisk.press("5")
        await asterisk.hears("Goodbye.")
        assert asyncio.get_running_loop().time() - pressed < 1
        await house.calls.until("finish")
    assert "It is shipped." not in asterisk.said


async def test_given_a_fault_of_ours_in_the_menu_then_the_caller_waits_for_a_person_with_what_was_entered(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("bug")

    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.press("120260106")
        await asterisk.hears("No such order.")
        monkeypatch.setattr(house.calls, "input_taken", fails)
        await asterisk.press("20260107")
        fell_back = await house.calls.until("fall_back")
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    assert fell_back == ("fall_back", {"number": "20260107", "language": "en-US"})


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


async def test_given_a_flow_that_goes_in_circles_then_the_caller_waits_in_the_fallback_queue(house: House) -> None:
    house.lookups.answers = [{"status": "shipped"}] * 200
    async with FakeAsterisk(house.port, "c-3") as asterisk:
        await house.calls.until("fall_back")
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    assert house.calls.record[-2:] == [("fall_back", {}), ("released",)]
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


async def test_given_a_condition_of_the_wrong_type_then_the_log_says_so_once(house: House, tmp_path: Path) -> None:
    house.lookups.answers = [{"status": "shipped", "total": "1299.00"}] * 2
    (tmp_path / "menus/shop.yaml").write_text(
        MENU.replace("goto: bye}\n    not", "goto: decide}\n    not")
        + """  decide: {when: [{if: "order.total > 1000.0", goto: agent}, {else: bye}]}\n"""
    )
    await house.flows.load()
    with capture_logs() as logs:
        for _ in range(2):
            async with FakeAsterisk(house.port, "c-1") as asterisk:
                await asterisk.press("120260105")
                await house.calls.until("released")
            house.calls.record.clear()
    warned = [one for one in logs if one["event"] == "flow.condition_of_wrong_type"]
    assert [(one["node"], one["condition"]) for one in warned] == [("decide", "order.total > 1000.0")]


async def test_given_the_server_stops_then_callers_are_let_go(house: House) -> None:
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.hears("Main menu.")
        await house.server.stop()
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    await house.calls.until("released")


async def test_given_a_call_then_its_records_replay_to_what_was_done(house: House) -> None:
    house.recogniser.answers = [Understood("orders", 0.9)]
    async with FakeAsterisk(house.port, "c-1") as asterisk:
        await asterisk.hears("Main menu.")
        await asterisk.speak(VOICE)
        await asterisk.hears("Your number.")
        await asterisk.press("20260199")
        await asterisk.hears("No such order.")
        await asterisk.press("20260105#")
        await house.calls.until("finish")
        await asyncio.wait_for(asterisk.closed.wait(), 20)
    flow = house.flows.find(CALLER.number)
    assert flow is not None
    done = replay(flow, CALLER, house.calls.inputs)
    assert [effect.node for effect in done if isinstance(effect, effects.Visited)] == house.calls.path
    taken = [("input", e.node, e.kind.value, e.value) for e in done if isinstance(e, effects.Taken)]
    assert taken == [entry for entry in house.calls.record if entry[0] == "input"]
    looked_up = [(e.source, dict(e.arguments)) for e in done if isinstance(e, effects.LookUp)]
    assert looked_up == house.lookups.asked
    assert any(isinstance(effect, effects.Finish) for effect in done)


async def test_given_a_caller_who_hangs_up_with_keys_kept_then_they_are_recorded_as_secrets(house: House) -> None:
    house.lookups.slow_s = 60
    async with FakeAsterisk(house.port, "c-1", plays=False) as asterisk:
        await asterisk.press("120260105")
        await house.calls.reaches("find")
        await asterisk.press("4711")
    await house.calls.until("released")
    keys = [one.received["digit"] for one in house.calls.inputs if one.kind == "digit"]
    assert "".join(keys) == "120260105????"
