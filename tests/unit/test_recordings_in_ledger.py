"""A raw recording goes when the real ledger has it, and stays when the database refuses its event."""

from datetime import UTC
from pathlib import Path

from recordings.service import Recordings
from switchroom.domain.contact import Outcome
from switchroom.domain.events import ContactEnded, Reconciled
from switchroom.domain.ids import ContactId
from switchroom.runtime.bus import Bus
from switchroom.storage.ledger import Ledger
from switchroom.storage.recordings import Recordings as RecordingIndex
from tests.fakes.clock import FakeClock
from tests.fixtures.sqlite import migrated
from tests.support.waiting import eventually

CALL = ContactId("0b1f")


async def test_given_an_event_that_the_database_refuses_then_the_raw_recording_stays_until_it_is_taken(
    tmp_path: Path,
) -> None:
    clock, bus = FakeClock(), Bus()
    database = await migrated(tmp_path / "switchroom.db")
    async with database.write() as connection:
        await connection.exec_driver_sql(
            "CREATE TRIGGER no_recordings BEFORE INSERT ON recordings BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    ledger, index = Ledger(database, bus, clock), RecordingIndex(database)
    await ledger.start()
    asked: list[bool] = []

    async def in_ledger(contact_id: ContactId, path: str) -> bool:
        await ledger.flush()
        asked.append(await index.has(contact_id, path))
        return asked[-1]

    spool = tmp_path / "spool"
    spool.mkdir()
    raw = spool / f"{CALL}-1001-1767864600.raw"
    raw.write_bytes(b"\x00\x10\x00\x20" * 8000)
    recordings = Recordings(spool, tmp_path / "files", UTC, bus, clock, in_ledger)
    try:
        bus.publish(ContactEnded(at=clock.now(), contact_id=CALL, outcome=Outcome.CONNECTED))
        await eventually(lambda: asked == [False], "the ledger was asked")
        async with database.write() as connection:
            await connection.exec_driver_sql("DROP TRIGGER no_recordings")
        await eventually(lambda: not recordings._busy, "the first try is over")
        assert raw.exists()
        bus.publish(Reconciled(at=clock.now(), live=frozenset()))
        await eventually(lambda: not raw.exists(), "it was taken in the end")
        assert asked == [False, True]
        assert len(await index.of_contact(CALL)) == 1
    finally:
        await recordings.stop()
        await ledger.stop()
        await database.close()
