"""Bus, mailbox, tasks and settings: what everything else stands on."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from switchroom.domain.call import IGNORED, TRANSITIONS, CallState, IllegalTransition, Move, after
from switchroom.domain.contact import Outcome
from switchroom.domain.events import ContactEnded, ContactEntered, ContactEvent, Event, NodeVisited
from switchroom.domain.ids import ContactId
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.mailbox import Mailbox, MailboxClosed
from switchroom.runtime.settings import Settings, SettingsError
from switchroom.wire import to_record, type_name
from tests.support.brands import SHOP

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def entered(contact_id: str = "one") -> ContactEntered:
    return ContactEntered(
        at=NOW, contact_id=ContactId(contact_id), number="4008123123", caller="13800138000", brand=SHOP.name
    )


# The bus


def test_a_subscriber_of_a_base_class_receives_its_subclasses_and_others_do_not() -> None:
    bus, calls, nodes = Bus(), [], []
    bus.subscribe(ContactEvent, calls.append)
    bus.subscribe(NodeVisited, nodes.append)
    bus.publish(entered())
    assert (calls, nodes) == ([entered()], [])


def test_given_a_handler_that_publishes_then_all_subscribers_see_the_same_order() -> None:
    bus, seen = Bus(), []
    ended = ContactEnded(at=NOW, contact_id=ContactId("one"), outcome=Outcome.ABANDONED)
    bus.subscribe(ContactEntered, lambda event: bus.publish(ended))
    bus.subscribe(Event, seen.append)
    bus.publish(entered())
    assert seen == [entered(), ended]


def test_given_a_handler_that_fails_then_the_others_still_hear() -> None:
    bus, seen = Bus(), []

    def fails(event: Event) -> None:
        raise RuntimeError("broken handler")

    bus.subscribe(Event, fails)
    bus.subscribe(Event, seen.append)
    bus.publish(entered())
    bus.publish(entered("two"))
    assert [event.contact_id for event in seen] == ["one", "two"]


def test_given_an_ended_subscription_then_nothing_comes() -> None:
    bus, seen = Bus(), []
    bus.subscribe(Event, seen.append)()
    bus.publish(entered())
    assert seen == []


def test_an_event_has_a_json_form_and_a_name() -> None:
    assert to_record(entered())["at"] == "2026-01-05T09:00:00Z"
    assert type_name(entered()) == "switchroom.contact.entered"


# A call's states


def test_every_move_leads_somewhere_is_ignored_or_is_refused_and_leaves_the_state() -> None:
    for state in CallState:
        for move in Move:
            if move in TRANSITIONS[state]:
                assert after(state, move) is TRANSITIONS[state][move]
            elif (state, move) in IGNORED:
                assert after(state, move) is state
            else:
                with pytest.raises(IllegalTransition, match=state.value):
                    after(state, move)


def test_from_every_state_a_call_can_end_and_an_ended_one_stays_so() -> None:
    for state in CallState:
        assert after(state, Move.ENDED) is CallState.ENDED
    assert all(after(CallState.ENDED, move) is CallState.ENDED for move in Move)


# The mailbox


@pytest.mark.virtual_time
async def test_a_mailbox_does_one_piece_after_the_other() -> None:
    tasks, done = BackgroundTasks(), []
    mailbox = Mailbox(tasks, "m")

    async def work(number: int) -> None:
        await asyncio.sleep(3 - number)
        done.append(number)

    for number in range(3):
        mailbox.post(lambda number=number: work(number))
    await mailbox.ask(lambda: work(3))
    assert done == [0, 1, 2, 3]
    await tasks.close()


async def test_given_work_that_fails_then_the_asker_is_told_and_the_next_piece_is_done() -> None:
    tasks, done = BackgroundTasks(), []
    mailbox = Mailbox(tasks, "m")

    async def fails() -> None:
        raise ValueError("no")

    async def works() -> None:
        done.append(1)

    mailbox.post(fails)
    with pytest.raises(ValueError, match="no"):
        await mailbox.ask(fails)
    await mailbox.ask(works)
    assert done == [1]
    await tasks.close()


async def test_given_a_closed_mailbox_then_whoever_waits_is_told() -> None:
    tasks = BackgroundTasks()
    mailbox = Mailbox(tasks, "m")

    async def closes() -> None:
        mailbox.close()

    async def never() -> None:
        raise AssertionError("done after the end")

    first = asyncio.create_task(mailbox.ask(closes))
    second = asyncio.create_task(mailbox.ask(never))
    await first
    with pytest.raises(MailboxClosed):
        await second
    with pytest.raises(MailboxClosed):
        await mailbox.ask(never)
    await tasks.close()


# Settings


def test_the_environment_wins_over_secret_files_over_yaml_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "redis_url").write_text("redis://from-a-secret-file")
    config = tmp_path / "switchroom.yaml"
    config.write_text("redis_url: redis://from-yaml\nhttp: {port: 8411}\nlog_level: warning\n")
    monkeypatch.setenv("SWITCHROOM_CONFIG", str(config))
    monkeypatch.setenv("SWITCHROOM_HOME", str(tmp_path))
    monkeypatch.setenv("SWITCHROOM_LOG_LEVEL", "error")
    monkeypatch.setenv("SWITCHROOM_TEST_DATA", "where tests find recordings: no setting")

    found = Settings()

    assert found.redis_url is not None
    assert found.redis_url.get_secret_value() == "redis://from-a-secret-file"
    assert (found.http.port, found.log_level, found.sip.port) == (8411, "error", 5060)
    assert "from-a-secret-file" not in repr(found)


@pytest.mark.parametrize(
    ("text", "words"), [("- a\n- b\n", "expected settings by name"), ("http: {port: [\n", "not readable as YAML")]
)
def test_given_a_settings_file_that_cannot_be_read_then_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    config = tmp_path / "switchroom.yaml"
    config.write_text(text)
    monkeypatch.setenv("SWITCHROOM_CONFIG", str(config))
    with pytest.raises(SettingsError, match=words) as caught:
        Settings()
    assert "switchroom.yaml" in str(caught.value)


def test_given_a_time_zone_that_does_not_exist_then_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().zone.key == "Asia/Shanghai"
    monkeypatch.setenv("SWITCHROOM_TIME_ZONE", "Asia/Shangai")
    with pytest.raises(ValueError, match=r"there is no time zone `Asia/Shangai`"):
        Settings()
