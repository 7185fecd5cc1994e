"""Recordings are finished when calls end and when disks have room again; nothing of them is lost in between."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from recordings.service import Recordings
from switchroom.domain.contact import Outcome
from switchroom.domain.events import ContactEnded, Reconciled, RecordingClosed, RecordingReady, TalkEnded
from switchroom.domain.ids import AgentId, ContactId, OfferId
from switchroom.runtime.bus import Bus
from tests.fakes.clock import FakeClock
from tests.support.waiting import eventually

NAME = "0b1f-1001-1767864600.raw"
CALL = ContactId("0b1f")
SHANGHAI = ZoneInfo("Asia/Shanghai")
SAMPLES = b"\x00\x10\x00\x20" * 8000


class House:
    """The recordings of one server, in folders of a test."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.bus = FakeClock(), Bus()
        self.spool, self.files = folder / "spool", folder / "files"
        self.spool.mkdir()
        self.ready: list[RecordingReady] = []
        self.bus.subscribe(RecordingReady, self.ready.append)
        self.in_ledger = asyncio.Event()
        self.in_ledger.set()
        self.refuses = False
        self.recordings = Recordings(self.spool, self.files, SHANGHAI, self.bus, self.clock, self._in_ledger)

    async def _in_ledger(self, contact_id: ContactId, path: str) -> bool:
        await self.in_ledger.wait()
        return not self.refuses and any((ready.contact_id, ready.path) == (contact_id, path) for ready in self.ready)

    @property
    def idle(self) -> bool:
        return not self.recordings._tasks._tasks

    def ended(self) -> None:
        self.bus.publish(ContactEnded(at=self.clock.now(), contact_id=CALL, outcome=Outcome.CONNECTED))

    def talk_ended(self) -> None:
        now = self.clock.now()
        self.bus.publish(
            TalkEnded(at=now, contact_id=CALL, agent_id=AgentId("1001"), offer_id=OfferId("o1"), began_at=now)
        )

    def closed(self, file: str) -> None:
        self.bus.publish(RecordingClosed(at=self.clock.now(), contact_id=CALL, file=file))

    def reconciled(self, *live: ContactId) -> None:
        self.bus.publish(Reconciled(at=self.clock.now(), live=frozenset(live)))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    found = House(tmp_path)
    yield found
    await found.recordings.stop()


async def test_given_a_call_that_ended_then_its_raw_file_goes_only_once_the_ledger_knows(house: House) -> None:
    raw = house.spool / NAME
    raw.write_bytes(SAMPLES)
    house.in_ledger.clear()
    house.ended()
    await eventually(lambda: bool(house.ready))
    assert raw.exists()
    house.in_ledger.set()
    await eventually(lambda: not raw.exists())
    [ready] = house.ready
    assert (ready.contact_id, ready.agent_id, ready.seconds) == (CALL, "1001", 1.0)
    assert (house.files / ready.path).is_file()


async def test_given_a_folder_that_cannot_be_written_then_the_raw_file_is_kept_and_finished_at_a_later_reconciliation(
    house: House,
) -> None:
    raw = house.spool / NAME
    raw.write_bytes(SAMPLES)
    house.files.write_text("in the way")  # root may write to any folder, but not below a file
    house.ended()
    await eventually(lambda: house.idle)
    house.reconciled()
    await eventually(lambda: house.idle)
    assert raw.read_bytes() == SAMPLES
    assert house.ready == []
    house.files.unlink()
    house.reconciled()
    await eventually(lambda: not raw.exists())
    assert len(house.ready) == 1


async def test_given_a_live_call_when_reconciled_then_its_recording_is_left_alone(house: House) -> None:
    raw = house.spool / NAME
    raw.write_bytes(SAMPLES)
    house.reconciled(CALL)
    await eventually(lambda: house.idle)
    assert house.ready == []
    assert raw.exists()


async def test_given_an_agent_who_left_a_conference_then_the_file_that_the_others_go_on_in_is_finished_when_closed(
    house: House,
) -> None:
    raw, earlier = house.spool / NAME, house.spool / "0b1f-1001-1767864500.raw"
    raw.write_bytes(SAMPLES)
    earlier.write_bytes(SAMPLES)
    house.talk_ended()
    house.closed(earlier.name)
    await eventually(lambda: not earlier.exists())
    await eventually(lambda: house.idle)
    assert raw.read_bytes() == SAMPLES
    with raw.open("ab") as growing:
        growing.write(SAMPLES)
    house.closed(NAME)
    await eventually(lambda: not raw.exists())
    assert [ready.seconds for ready in house.ready] == [1.0, 2.0]


@pytest.mark.parametrize("file", ["", "../0b1f-1001-1767864600.raw", "other-1001-1767864600.raw", "0b1f-*.raw"])
async def test_given_a_name_that_is_none_of_the_contacts_files_then_nothing_is_touched(house: House, file: str) -> None:
    other = house.spool / "other-1001-1767864600.raw"
    other.write_bytes(SAMPLES)
    (house.spool.parent / NAME).write_bytes(SAMPLES)
    house.closed(file)
    await eventually(lambda: house.idle)
    assert house.ready == [] and other.exists()


async def test_given_foreign_files_in_the_spool_then_they_stay_and_the_others_are_finished(house: House) -> None:
    foreign = ["x.raw", "0b1f-1001-now.raw", "--.raw", "a-b-1e999.raw", "a-b-inf.raw", "a-b-99999999999999.raw"]
    for name in [*foreign, NAME]:
        (house.spool / name).write_bytes(SAMPLES)
    (house.spool / "0b1f-1001-1767864602.raw").mkdir()
    house.reconciled()
    await eventually(lambda: not (house.spool / NAME).exists())
    await eventually(lambda: house.idle)
    assert all((house.spool / name).exists() for name in foreign)
    assert len(house.ready) == 1


async def test_given_a_ledger_that_refuses_the_recording_then_the_raw_file_stays_and_is_tried_again(
    house: House,
) -> None:
    raw = house.spool / NAME
    raw.write_bytes(SAMPLES)
    house.refuses = True
    with capture_logs() as log:
        house.ended()
        await eventually(lambda: house.idle)
    assert [entry["file"] for entry in log if entry["event"] == "recordings.not_in_ledger"] == [NAME]
    assert raw.read_bytes() == SAMPLES
    house.refuses = False
    house.reconciled()
    await eventually(lambda: not raw.exists())
    assert len(house.ready) == 2


async def test_given_a_talk_in_the_evening_of_utc_then_it_lies_in_the_folder_of_the_business_day(house: House) -> None:
    evening = datetime(2026, 1, 8, 16, 30, tzinfo=UTC)
    (house.spool / f"{CALL}-1001-{evening.timestamp():.0f}.raw").write_bytes(SAMPLES)
    house.ended()
    await eventually(lambda: bool(house.ready))
    assert [ready.path for ready in house.ready] == [f"2026/01/09/{CALL}-1001-003000.wav"]
