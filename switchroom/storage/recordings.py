"""Finds recordings by their opaque id; where the audio lies is nobody's business outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from switchroom.domain.ids import AgentId, ContactId
from switchroom.storage.database import Database, upsert
from switchroom.storage.tables import audio_owed, recordings


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recorded conversation. ``path`` is relative to the recordings folder, levels are RMS from 0 to 1."""

    id: str
    contact_id: ContactId
    agent_id: AgentId
    path: str
    seconds: float
    left_rms: float
    right_rms: float
    created_at: datetime


async def owe_deletion(connection: AsyncConnection, paths: Mapping[str, str]) -> None:
    """Have other servers delete these files: from the path to the server's name."""
    rows = [{"path": path, "server": server} for path, server in paths.items()]
    await upsert(connection, audio_owed, rows)


class Recordings:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, recording_id: str) -> Recording | None:
        query = select(recordings).where(recordings.c.id == recording_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else Recording(**row._mapping)

    async def owed_deletions(self, server: str) -> Sequence[str]:
        """The paths of erased recordings whose files this server is to delete."""
        query = select(audio_owed.c.path).where(audio_owed.c.server == server).order_by(audio_owed.c.path)
        async with self._database.read() as connection:
            return (await connection.scalars(query)).all()

    async def deleted(self, path: str) -> None:
        """The file is gone: nothing is owed any more."""
        async with self._database.write() as connection:
            await connection.execute(delete(audio_owed).where(audio_owed.c.path == path))

    async def has(self, contact_id: ContactId, path: str) -> bool:
        """Is this recording of the call written down?"""
        return any(found.path == path for found in await self.of_contact(contact_id))

    async def of_contact(self, contact_id: ContactId) -> list[Recording]:
        query = select(recordings).where(recordings.c.contact_id == contact_id).order_by(recordings.c.created_at)
        async with self._database.read() as connection:
            return [Recording(**row._mapping) for row in await connection.execute(query)]
