"""The journal of calls that are over: told until they are booked, whatever is written meanwhile."""

import json
from pathlib import Path

import pytest

from switchroom.domain.ids import ContactId
from telephony.softswitch.journal import Journal

ENTERED, ANSWERED, ENDED = (f"2026-11-23T09:0{minute}:00.000+00:00" for minute in (0, 1, 2))


def line(contact_id: str, talks: str = "", again: str = "") -> str:
    """As Asterisk's CEL writes it."""
    extra = f"{contact_id}|4008123123|13800138000|{ENTERED}|{ENDED}|{talks}||returns|{ENTERED}|{again}"
    quoted = json.dumps({"extra": extra}).replace('"', '""')
    return f'"{quoted}"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "calls"


def ids(journal: Journal) -> list[str]:
    return [call.contact_id for call in journal.take()]


def test_given_a_talk_then_its_agent_and_times_are_told(file: Path) -> None:
    file.write_text(line("c1", f"o1/1001/{ANSWERED}/{ENDED}&"))
    [call] = Journal(file).take()
    [talk] = call.talks
    assert (talk.offer_id, talk.agent_id, (talk.ended_at - talk.began_at).total_seconds()) == ("o1", "1001", 60)


@pytest.mark.parametrize(
    ("again", "waits", "transferred"), [("", False, False), ("yes", True, False), ("transferred", True, True)]
)
def test_given_a_wait_after_the_last_talk_then_it_is_told_where(
    file: Path, again: str, waits: bool, transferred: bool
) -> None:
    file.write_text(line("c1", f"o1/1001/{ANSWERED}/{ENDED}&", again))
    [call] = Journal(file).take()
    assert (call.waited_again is not None, call.transferred) == (waits, transferred)


def test_given_calls_that_are_not_booked_then_they_are_told_again_a_new_reader_too(file: Path) -> None:
    file.write_text(line("c1"))
    assert ids(Journal(file)) == ["c1"]
    file.write_text(line("c2"))
    assert ids(Journal(file)) == ["c1", "c2"]


def test_given_some_that_are_booked_then_the_others_are_told_again(file: Path) -> None:
    journal = Journal(file)
    file.write_text(line("c1"))
    assert ids(journal) == ["c1"]
    file.write_text(line("c2"))
    assert ids(journal) == ["c1", "c2"]
    journal.forget({ContactId("c1")})
    assert ids(journal) == ["c2"]
    journal.forget({ContactId("c2")})
    assert ids(journal) == []
    assert list(file.parent.iterdir()) == []


def test_given_a_line_that_came_after_the_reading_then_it_is_not_forgotten(file: Path) -> None:
    journal = Journal(file)
    file.write_text(line("c1"))
    journal.take()
    [taken] = file.parent.iterdir()
    with taken.open("a") as late:
        late.write(line("c2"))
    journal.forget({ContactId("c1")})
    assert "c2" in ids(journal)


@pytest.mark.parametrize("torn", ["", "\n", "no csv\n", '"{""extra"":""a|b""}"\n', line("c9")[:40] + "\n"])
def test_given_a_line_that_cannot_be_read_then_the_others_are(file: Path, torn: str) -> None:
    file.write_text(line("c1") + torn + line("c2"))
    assert ids(Journal(file))[0] == "c1"


def test_given_a_talk_whose_answer_was_not_written_then_the_call_is_told(file: Path) -> None:
    file.write_text(line("c1", f"o1/1001//{ENDED}&"))
    [call] = Journal(file).take()
    assert call.talks[0].began_at == call.talks[0].ended_at
