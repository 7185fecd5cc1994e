"""What there is of a person outside of the database: recordings on the disk, and the softswitch's journal."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

from recordings.audio import Audio
from softswitch_config.render import Folders
from switchroom.domain.errors import Refused
from switchroom.domain.ids import ContactId
from switchroom.runtime.settings import Settings
from switchroom.storage.phones import written
from telephony.softswitch.journal import contents


class Elsewhere:
    """`switchroom.storage.erasure.Elsewhere` of this server's own disk."""

    def __init__(self, settings: Settings, flush: Callable[[], Awaitable[None]] | None = None) -> None:
        """``flush`` waits until the running server has written down what happened."""
        folders = Folders.of(settings)
        self._audio = Audio(folders.monitor, settings.recordings, settings.zone)
        self._journal: Path = folders.journal
        self._flush = flush

    async def settle(self, contact_ids: Collection[ContactId], numbers: Collection[str]) -> None:
        if await asyncio.to_thread(self._in_journal, numbers):
            raise Refused(
                "the softswitch's journal still names them: it is booked within a minute while a server runs;"
                " erase them after that"
            )
        await asyncio.to_thread(self._audio.delete_unfinished, contact_ids)
        if self._flush is not None:
            await self._flush()

    async def delete_audio(self, paths: Collection[str]) -> None:
        await asyncio.to_thread(self._audio.delete, paths)

    def _in_journal(self, numbers: Collection[str]) -> bool:
        patterns = [written(number) for number in numbers]
        return any(pattern.search(text) for text in contents(self._journal) for pattern in patterns)
