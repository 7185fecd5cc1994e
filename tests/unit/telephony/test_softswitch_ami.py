"""The AMI adapter against a server that misbehaves in each of the ways that panoramisk does not survive."""

import pytest
from structlog.testing import capture_logs

from telephony.softswitch.port import (
    CallerFellBack,
    CallerLeft,
    LivePhase,
    SwitchDown,
    SwitchError,
    SwitchEvent,
    SwitchUp,
)
from tests.fakes.ami_server import AmiServer
from tests.fakes.fake_softswitch import delivery
from tests.fixtures.watched_ami import AGENT, ARRIVED, CALL, CALL_ENTERED, CALL_LEFT, FELL_BACK, Watched
from tests.support.waiting import eventually


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


async def test_given_a_caller_between_two_places_when_all_are_listed_then_it_is_asked_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = [f"CONTACT_ID={CALL}", "LEG=caller", "ENTERED_AT=2026-01-05T09:00:00+00:00"]
    answers = [[{"Event": "Status", "Context": context, "Variable": variables}] for context in ("closed", "waiting")]

    async def listed() -> object:
        return answers.pop(0), []

    monkeypatch.setattr(watched.softswitch, "_list", listed)
    assert [call.phase for call in (await watched.softswitch.snapshot()).calls] == [LivePhase.WAITING]
