"""Recordings: finished when their file is closed, or when a restarted server finds them; announced once they are whole.

A file is closed when the softswitch says so, and at the latest when the call is over. While the call goes on nothing
else tells: it is written in blocks, about one a second, and not at all while the caller is held.

Nothing is deleted before the ledger has the finished file. A file that cannot be finished (disk full, say) or that the
ledger did not take stays where it is and is tried again at the next reconciliation, every minute.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import tzinfo
from pathlib import Path

import structlog

from recordings.finishing import finish
from recordings.naming import Talk, finished, talk_of
from switchroom.domain.events import ContactEnded, Reconciled, RecordingClosed, RecordingReady
from switchroom.domain.ids import ContactId
from switchroom.runtime.background import BackgroundTasks
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock

log = structlog.get_logger(__name__)


class Recordings:
    """Turns what lies in ``spool`` (``<call id>-<agent>-<epoch>.raw``) into files below ``files``."""

    def __init__(
        self,
        spool: Path,
        files: Path,
        zone: tzinfo,
        bus: Bus,
        clock: Clock,
        in_ledger: Callable[[ContactId, str], Awaitable[bool]],
    ) -> None:
        """``in_ledger`` waits until what was published is written down, and tells if the recording (by its path) is.

        ``zone`` is the business time zone: a folder holds the recordings of one of its days.
        """
        self._zone = zone
        self._spool = spool
        self._files = files
        self._bus = bus
        self._clock = clock
        self._in_ledger = in_ledger
        self._busy: set[Path] = set()
        self._tasks = BackgroundTasks()
        bus.subscribe(ContactEnded, self._on_ended)
        bus.subscribe(RecordingClosed, self._on_closed)
        bus.subscribe(Reconciled, self._on_reconciled)

    async def stop(self) -> None:
        await self._tasks.close()

    def _on_ended(self, event: ContactEnded) -> None:
        self._tasks.spawn(self._begin_all(f"{event.contact_id}-*.raw"), name="recordings.ended")

    def _on_closed(self, event: RecordingClosed) -> None:
        if (talk := talk_of(Path(event.file))) is not None and talk.contact_id == event.contact_id:
            self._tasks.spawn(self._begin_all(Path(event.file).name), name="recordings.closed")

    def _on_reconciled(self, event: Reconciled) -> None:
        """What belongs to no live call was left behind: by us, or by a disk that was full."""
        self._tasks.spawn(self._begin_all("*.raw", event.live), name="recordings.reconciled")

    async def _begin_all(self, pattern: str, live: frozenset[ContactId] = frozenset()) -> None:
        for raw in await asyncio.to_thread(lambda: sorted(self._spool.glob(pattern))):
            self._begin(raw, live)

    def _begin(self, raw: Path, live: frozenset[ContactId]) -> None:
        talk = talk_of(raw)
        if talk is not None and talk.contact_id not in live and raw not in self._busy:
            self._busy.add(raw)
            self._tasks.spawn(self._finish(raw, talk), name="recordings.finish")

    async def _finish(self, raw: Path, talk: Talk) -> None:
        try:
            contact_id, path = talk.contact_id, finished(talk, self._zone)
            measured = await asyncio.to_thread(finish, raw, self._files / path)
            if not raw.exists():  # noqa: ASYNC240 - nothing may come between this look and the event
                # The person was erased meanwhile (`recordings.audio`).
                (self._files / path).unlink(missing_ok=True)
                return
            if measured is not None:
                self._bus.publish(
                    RecordingReady(
                        at=self._clock.now(),
                        contact_id=contact_id,
                        agent_id=talk.agent_id,
                        path=str(path),
                        seconds=round(measured.seconds, 2),
                        left_rms=round(measured.left_rms, 5),
                        right_rms=round(measured.right_rms, 5),
                    )
                )
                if not await self._in_ledger(contact_id, str(path)):
                    log.error("recordings.not_in_ledger", file=raw.name)
                    return
            await asyncio.to_thread(raw.unlink, missing_ok=True)
        except OSError as error:
            log.error("recordings.not_finished", file=raw.name, error=str(error))
        finally:
            self._busy.discard(raw)
