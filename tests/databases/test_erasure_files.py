"""The recordings of a person who is erased, also on other servers, and the journal that names them."""

from pathlib import Path

import pytest

from server.elsewhere import Elsewhere
from server.housekeeping import Housekeeping
from softswitch_config.render import Folders
from switchroom.domain.errors import Refused
from switchroom.runtime.settings import Settings
from switchroom.storage.database import Database
from switchroom.storage.erasure import Erasure
from switchroom.storage.recordings import Recordings, owe_deletion
from tests.fakes.clock import FakeClock
from tests.fixtures.two_people import FORMS, NOON, NUMBER, dump, two_people


async def test_given_recordings_when_their_person_is_erased_then_finished_and_unfinished_files_are_gone(
    database: Database, tmp_path: Path
) -> None:
    one, two = await two_people(database)
    settings = Settings(home=tmp_path / "home", recordings=tmp_path / "recordings")
    spool = Folders.of(settings).monitor
    finished = [settings.recordings / f"2026/01/08/{who}-1001-200000.wav" for who in (f"known-{one}", f"other-{two}")]
    raw = [spool / f"{who}-1001-1767873600.raw" for who in (f"known-{one}", f"other-{two}")]
    # What a server that died left of a file that it was finishing: 1767873600 is 20:00 in Shanghai.
    partial = settings.recordings / f"2026/01/08/known-{one}-1001-200000.part"
    for path in (*finished, *raw, partial):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"voice")
    erased = await Erasure(database, FakeClock(NOON), Elsewhere(settings)).erase(one)
    assert erased is not None and erased.recordings == len(FORMS) + 1
    assert [path.exists() for path in (*finished, *raw, partial)] == [False, True, False, True, False]


async def test_given_a_recording_on_another_servers_disk_when_erased_then_that_server_deletes_it(
    database: Database, tmp_path: Path
) -> None:
    one, _ = await two_people(database)  # on the server `main`
    here, there = (
        Settings(home=tmp_path / name, recordings=tmp_path / name / "recordings", server_name=name)
        for name in ("west", "main")
    )
    file = there.recordings / f"2026/01/08/known-{one}-1001-200000.wav"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"voice")
    assert await Erasure(database, FakeClock(NOON), Elsewhere(here), server="west").erase(one) is not None
    assert file.exists()
    for settings in (here, there):
        await Housekeeping(settings, database, FakeClock(NOON)).delete_owed()
    assert not file.exists()
    assert await Recordings(database).owed_deletions("main") == []


async def test_given_files_that_cannot_be_deleted_then_the_later_ones_are_and_those_are_tried_again(
    database: Database, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", recordings=tmp_path / "recordings")
    files = [settings.recordings / name for name in ("a.wav", "b.wav", "c.wav")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"voice")
    files[0].unlink()
    files[0].mkdir()
    async with database.write() as connection:
        await owe_deletion(connection, {file.name: "main" for file in files})
    keeping = Housekeeping(settings, database, FakeClock(NOON))
    await keeping.delete_owed()
    assert [file.exists() for file in files] == [True, False, False]
    assert await Recordings(database).owed_deletions("main") == ["a.wav"]
    files[0].rmdir()
    await keeping.delete_owed()
    assert await Recordings(database).owed_deletions("main") == []


async def test_given_a_recording_that_cannot_be_deleted_when_erased_then_nothing_is(
    database: Database, tmp_path: Path
) -> None:
    one, _ = await two_people(database)
    settings = Settings(home=tmp_path / "home", recordings=tmp_path / "recordings")
    (settings.recordings / f"2026/01/08/known-{one}-1001-200000.wav").mkdir(parents=True)
    before = await dump(database)
    with pytest.raises(OSError):
        await Erasure(database, FakeClock(NOON), Elsewhere(settings)).erase(one)
    assert await dump(database) == before


async def test_given_a_journal_that_names_them_when_erased_then_it_is_refused_until_it_is_booked(
    database: Database, tmp_path: Path
) -> None:
    one, _ = await two_people(database)
    settings = Settings(home=tmp_path / "home", recordings=tmp_path / "recordings")
    journal = Folders.of(settings).journal
    taken = journal.with_name(f"{journal.name}.17.taken")
    taken.parent.mkdir(parents=True)
    line = f"c9|4008123123|+86{NUMBER}|2026-01-08T11:00:00+00:00|2026-01-08T11:01:00+00:00||||"
    for file in (journal, taken):
        file.write_text(f'"{{""extra"":""{line}""}}"\n', encoding="utf-8")
        before = await dump(database)
        with pytest.raises(Refused, match="journal"):
            await Erasure(database, FakeClock(NOON), Elsewhere(settings)).erase(one)
        assert await dump(database) == before
        file.unlink()
    assert await Erasure(database, FakeClock(NOON), Elsewhere(settings)).erase(one) is not None
