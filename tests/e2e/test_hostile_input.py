"""Hostile callers, phones and programs at the doors of the whole system: refused or made harmless, others served on."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from demo.desk import Desk
from demo.people import CARRIER, Stage, dial
from demo.scenario import CHINESE, LI_QIANG, ORDER, WANG_FANG
from demo.softphone import PhoneCall
from demo.system import System, until
from demo.voices import record_voices
from softswitch_config.render import Folders
from switchroom.runtime.settings import Settings
from tests.e2e.raw_sip import RawCall
from tests.e2e.whole_system import asks_for_returns, newest_call, own_settings, until_call

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

HONEST = b"<sip:13512340000@carrier.example>"


class Besieged:
    """The whole system with one agent, a supervisor's board, and a way to speak SIP without manners."""

    def __init__(self, system: System, stage: Stage, board: Desk) -> None:
        self.system, self.stage, self.board = system, stage, board

    @property
    def settings(self) -> Settings:
        return self.system.settings

    async def invite(
        self, dialled: bytes, sender: bytes = HONEST, host: str = CARRIER, more: bytes = b""
    ) -> int | None:
        """The status that the call is answered with, None when the message was not worth an answer."""
        with self.call(dialled, sender, host, more) as call:
            return await asyncio.to_thread(call.answered_with, 1.5)

    def call(self, dialled: bytes, sender: bytes = HONEST, host: str = CARRIER, more: bytes = b"") -> RawCall:
        return RawCall((self.settings.sip.host, self.settings.sip.port), host, dialled, sender, more)

    async def entered(self) -> set[str]:
        """Every call that the server has ever been told of."""
        return {call["contact_id"] for call in await self.board.get("contacts?limit=200")}

    def asterisk(self, command: str) -> str:
        assert self.system._asterisk is not None
        return self.system._asterisk.cli(command)

    def legs(self) -> list[str]:
        """Asterisk's channels, as ``PJSIP/carrier-00000001``."""
        return [line.split("!")[0] for line in self.asterisk("core show channels concise").splitlines() if "!" in line]

    def told(self, kind: str, since: int) -> list[dict[str, Any]]:
        return [told.data for told in self.board.told[since:] if told.type == kind]

    def log(self) -> str:
        return self.system.log.read_text(encoding="utf-8")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def besieged() -> AsyncIterator[Besieged]:
    with pytest.MonkeyPatch.context() as environment, contextlib.ExitStack() as stack:
        # Short: Asterisk's control socket needs it.
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="switchroom-")))
        system = System(own_settings(environment, home))
        accounts = await system.start()
        stage = Stage(accounts, record_voices(home / "voices"))
        try:
            yield Besieged(system, stage, await stage.supervisor())
        finally:
            await stage.close()
            await system.stop()


# Dialled numbers


@pytest.mark.parametrize(
    "dialled",
    [
        b"4009999999",
        b"40081231",  # the beginning of ours
        b"40081231234",
        b"+4008123123",
        b"+864008123123",
        b"00864008123123",
        b"s",
        b"h",
        b"1001",  # an agent
        b"PJSIP/1001",
        b"500&PJSIP/carrier/110",
        b"4008123123&PJSIP%2Fcarrier%2F110",
        b"4008123123,1",
        b"%24%7BSHELL(id)%7D",
        b"4008123123%0d%0aAction:%20Originate",
        b"%00",
        b"4008123123%00",  # in C a text ends here
        b"4008123124%00x",
        b"%004008123123",
        b"4008123123%0a",
        b"4008123123%0d",
        b"4008123123%01",
        b"4008123123%09",
        b"4008123123%1b",
        b"4008123123%7f",
        b"4008123123%20",
        b"9" * 2000,
        b"..%2f..%2fetc%2fpasswd",
        b"_X.",
        b"*%23",
    ],
    ids=lambda dialled: dialled[:24].decode(),
)
async def test_given_what_is_no_number_of_ours_when_dialled_then_404_and_no_call(
    besieged: Besieged, dialled: bytes
) -> None:
    before = await besieged.entered()
    assert await besieged.invite(dialled) == 404
    assert besieged.legs() == []
    assert await besieged.entered() == before


@pytest.mark.parametrize(
    "dialled",
    [b"${SHELL(id)}", b"'; DROP TABLE contacts; --", b"\xf0\x9f\x98\x80", b"\xff\xfe", b"4008123123\r\nX: y", b"a b"],
)
async def test_given_a_request_that_is_no_sip_then_it_is_dropped(besieged: Besieged, dialled: bytes) -> None:
    before = await besieged.entered()
    assert await besieged.invite(dialled) is None
    assert await besieged.entered() == before
    assert await besieged.invite(b"4009999999") == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.3"])
@pytest.mark.parametrize("sender", [HONEST, b"<sip:1001@x>", b"<sip:carrier@x>", b'"1001" <sip:supervisor@x>'])
@pytest.mark.parametrize("dialled", [b"4008123123", b"1002", b"110"])
async def test_given_a_call_from_neither_carrier_nor_agent_then_a_password_is_asked_for(
    besieged: Besieged, host: str, sender: bytes, dialled: bytes
) -> None:
    before = await besieged.entered()
    assert await besieged.invite(dialled, sender, host) == 401
    assert await besieged.entered() == before


# Callers' numbers


@pytest.mark.parametrize(
    ("sender", "kept"),
    [
        (b'"<img src=x onerror=alert(1)>" <sip:13512340001@x>', "13512340001"),
        (b"\"'; DROP TABLE contacts; --\" <sip:'%20OR%201=1--@x>", "11"),
        (b"\"=CMD|' /C calc'!A0\" <sip:=CMD@x>", ""),
        (b"<sip:" + b"1" * 4096 + b"@x>", "1" * 32),
        (b"<sip:138%0d%0aAction:%20Originate%0d%0a@x>", "138"),
        (b"<sip:500&PJSIP/carrier/110@x>", "500110"),
        (b"<sip:%24%7BSHELL(id)%7D@x>", ""),
        (b"<sip:1%29%2C2%22%5C3@x>", "123"),
        ('"李强 😀" <sip:13512340002@x>'.encode(), "13512340002"),
        (b"<sip:%F0%9F%98%80138@x>", "138"),
        ("<sip:١٢٣@x>".encode(), None),  # digits, but not of SIP
        (b'"Anonymous" <sip:anonymous@anonymous.invalid>', ""),
        (b"<sip:x.example>", ""),
        (b"tel:+8613512340003", "+8613512340003"),
        (b"<sip:1001@x>", "1001"),  # an agent's number, but from the carrier
    ],
    ids=lambda value: str(value)[:30],
)
async def test_given_any_caller_id_then_the_call_is_served_as_a_strangers(
    besieged: Besieged, sender: bytes, kept: str | None
) -> None:
    since = len(besieged.board.told)
    with besieged.call(CHINESE.encode(), sender) as call:
        assert await asyncio.to_thread(call.answered_with, 2.0) == (None if kept is None else 200)
        if kept is None:
            return
        await until(lambda: bool(besieged.told("switchroom.node.visited", since)), "the caller is in the menu")
    await until(lambda: bool(besieged.told("switchroom.contact.ended", since)), "the call is over")
    [entered] = besieged.told("switchroom.contact.entered", since)
    assert entered["caller"] == kept
    [known] = besieged.told("switchroom.customer.identified", since)
    assert known["customer_id"] is None
    assert [leg for leg in besieged.legs() if "carrier" in leg] == []


async def test_given_hostile_callers_then_nothing_of_them_is_in_the_log_nor_in_what_the_dialplan_does(
    besieged: Besieged,
) -> None:
    marks = ("onerror", "DROP TABLE", "CMD", "Originate", "SHELL", "uid=", "李强", "1" * 20)
    assert not [mark for mark in marks if mark in besieged.log()]
    written = {path.name for path in Folders.of(besieged.settings).monitor.iterdir()}
    assert not [name for name in written if any(mark in name for mark in marks)]


# The menu's audio


@pytest.mark.parametrize("contact_id", ["nobody", "", "../../etc/passwd", "x" * 1000, "%00", "<script>"])
async def test_given_a_media_connection_for_no_call_then_it_is_closed(besieged: Besieged, contact_id: str) -> None:
    media = besieged.settings.media
    async with aiohttp.ClientSession() as http:
        try:
            async with http.ws_connect(
                f"http://{media.host}:{media.port}/media", params={"contact_id": contact_id}, protocols=("media",)
            ) as socket:
                await socket.send_json(_start("c1"))
                async with asyncio.timeout(5):
                    heard = [one.data async for one in socket if one.type is aiohttp.WSMsgType.BINARY]
                assert not any(map(any, heard)), "silence at most"
        except aiohttp.WSServerHandshakeError as refused:
            assert refused.status == 400


async def test_given_rubbish_for_a_call_in_its_menu_then_the_caller_hears_nothing_of_it(besieged: Besieged) -> None:
    call = await dial(await besieged.stage.customer(LI_QIANG), CHINESE)
    await until_call(besieged.board, LI_QIANG, lambda found: "main" in found.get("path", []), "main")
    contact_id = (await newest_call(besieged.board, LI_QIANG))["contact_id"]
    media = besieged.settings.media
    url = f"http://{media.host}:{media.port}/media"
    rubbish: list[list[str | bytes]] = [
        [json.dumps(_start(contact_id))],  # as Asterisk would, but the call is in use
        [json.dumps(_start(contact_id)), "x" * 70_000],
        ["not json"],
        ["[" * 30_000],
        [b"\x00" * 320],
        [b"\xff" * 100_000],
        [json.dumps({"event": "DTMF_END", "digit": "9"})],
        [json.dumps({**_start(contact_id), "optimal_frame_size": -1})],
        [],
    ]
    async with aiohttp.ClientSession() as http:
        for messages in rubbish:
            async with http.ws_connect(url, params={"contact_id": contact_id}, protocols=("media",)) as socket:
                with contextlib.suppress(ConnectionError):  # closed already
                    for message in messages:
                        await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
                async with asyncio.timeout(5):
                    while (await socket.receive()).type not in _OVER:
                        pass
    call.press("1")
    await until_call(besieged.board, LI_QIANG, lambda found: "ask_order" in found.get("path", []), "ask_order")
    call.hang_up()
    await until_call(besieged.board, LI_QIANG, lambda found: bool(found.get("outcome")), "ended")


_OVER = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.ERROR)


def _start(contact_id: str) -> dict[str, Any]:
    """Asterisk's first message."""
    return {
        "event": "MEDIA_START",
        "connection_id": "c",
        "channel": "WebSocket/ivr/0x1",
        "channel_id": "1.1",
        "format": "slin",
        "optimal_frame_size": 320,
        "ptime": 20,
        "channel_variables": {"CONTACT_ID": contact_id},
    }


# Things in the way


async def test_given_recordings_that_cannot_be_written_then_the_call_is_served_and_its_audio_kept_until_they_can(
    besieged: Besieged,
) -> None:
    files, spool = besieged.settings.recordings, Folders.of(besieged.settings).monitor
    if files.exists():
        files.rename(files.with_name("aside"))
    files.write_text("in the way")
    since = len(besieged.board.told)
    agent = await besieged.stage.agent("1001", voice="agent-zh", closes_as="resolved")
    call = await _talk(besieged, WANG_FANG)
    await asyncio.sleep(2)  # something to record
    call.hang_up()
    await until_call(besieged.board, WANG_FANG, lambda found: bool(found.get("ticket_id")), "ticket")
    found = await newest_call(besieged.board, WANG_FANG)
    await until(lambda: "recordings.not_finished" in besieged.log(), "it is tried, and said that it failed")
    [raw] = spool.glob(f"{found['contact_id']}-*.raw")
    size = raw.stat().st_size
    files.unlink()
    await until(lambda: bool(besieged.told("switchroom.recording.ready", since)), "the next reconciliation", 90)
    [ready] = besieged.told("switchroom.recording.ready", since)
    assert ready["contact_id"] == found["contact_id"]
    finished = (files / ready["path"]).stat()
    assert finished.st_size > size
    assert finished.st_mode & 0o077 == 0  # nobody else on the machine may listen
    await until(lambda: not raw.exists(), "the raw file is gone")
    assert agent.phone.history[-1].answered_at is not None


async def _talk(besieged: Besieged, caller: str) -> PhoneCall:
    call = await asks_for_returns(besieged.stage, besieged.board, caller)
    await until_call(besieged.board, caller, lambda found: bool(found.get("answered_at")), "answered")
    return call


async def test_given_a_whole_call_then_the_log_holds_no_number_name_digit_or_word_of_the_caller(
    besieged: Besieged,
) -> None:
    """Runs last: everything above is in that log, too."""
    call = await dial(await besieged.stage.customer(WANG_FANG), CHINESE)
    await until_call(besieged.board, WANG_FANG, lambda found: "main" in found.get("path", []), "main")
    call.press("1")
    await until_call(besieged.board, WANG_FANG, lambda found: "ask_order" in found.get("path", []), "ask_order")
    call.press(f"{ORDER}#")
    await until_call(besieged.board, WANG_FANG, lambda found: "anything_else" in found.get("path", []), "the status")
    call.hang_up()
    await until_call(besieged.board, WANG_FANG, lambda found: bool(found.get("outcome")), "ended")
    told = besieged.log()
    for private in (WANG_FANG, LI_QIANG, WANG_FANG[-8:], LI_QIANG[-8:], "王芳", "李强", ORDER, "13512340"):
        assert private not in told, private
