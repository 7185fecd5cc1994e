"""Recordings: finished when a call ends, or when a restarted server finds them; announced once they are whole.

Nothing is deleted before the ledger has the finished file. A file that cannot be finished (disk full, say) stays where it
is and is tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import structlog

from recordings.finishing import finish
from switchroom.bus import Bus
from switchroom.clock import Clock
from switchroom.domain.events import CallEnded, RecordingReady, Reconciled
from switchroom.domain.ids import AgentId, CallId
from switchroom.tasks import TaskGroup

log = structlog.get_logger(__name__)

SETTLED_AFTER_S = 0.5
"""The softswitch writes a little longer than the call lasts: a file is whole when it has not grown for so long."""




class Recordings:
    """Turns what lies in ``spool`` (``<call id>-<agent>-<epoch>.raw``) into files below ``files``."""

    def __init__(
        self, spool: Path, files: Path, bus: Bus, clock: Clock, written_down: Callable[[], Awaitable[None]]
    ) -> None:
        """``written_down`` returns when every event published so far is in the ledger."""
        self._spool = spool
        self._files = files
        self._bus = bus
        self._clock = clock
        self._written_down = written_down
        self._busy: set[Path] = set()
        self._live: frozenset[CallId] | None = None
        self._tasks = TaskGroup()
        bus.subscribe(CallEnded, self._on_ended)
        bus.subscribe(Reconciled, self._on_reconciled)

    async def stop(self) -> None:
        await self._tasks.close()

    def _on_ended(self, event: CallEnded) -> None:
        for raw in self._spool.glob(f"{event.call_id}-*.raw"):
            self._begin(raw)

    def _on_reconciled(self, event: Reconciled) -> None:
        """Whatever belongs to no live call was left behind: by us, or by a disk that was full."""
        for raw in self._spool.glob("*.raw"):
            if _parts(raw)[0] not in event.live:
                self._begin(raw)

    def _begin(self, raw: Path) -> None:
        if raw not in self._busy:
            self._busy.add(raw)
            self._tasks.spawn(self._finish(raw), name="recordings.finish")

    async def _finish(self, raw: Path) -> None:
        try:
            await self._settled(raw)
            call_id, agent_id, began = _parts(raw)
            path = Path(f"{began:%Y/%m/%d}") / f"{call_id}-{agent_id}-{began:%H%M%S}.wav"
            measured = await asyncio.to_thread(finish, raw, self._files / path)
            if measured is not None:
                self._bus.publish(
                    RecordingReady(
                        at=self._clock.now(),
                        call_id=call_id,
                        agent_id=agent_id,
                        path=str(path),
                        seconds=round(measured.seconds, 2),
                        left_rms=round(measured.left_rms, 5),
                        right_rms=round(measured.right_rms, 5),
                    )
                )
                await self._written_down()
            raw.unlink(missing_ok=True)
        except OSError as error:
            log.error("recordings.not_finished", file=raw.name, error=str(error))
        finally:
            self._busy.discard(raw)

    async def _settled(self, raw: Path) -> None:
        size = -1
        while (now := raw.stat().st_size) != size:
            size = now
            await asyncio.sleep(SETTLED_AFTER_S)


def _parts(raw: Path) -> tuple[CallId, AgentId, datetime]:
    """Call, agent and beginning, from the file's name."""
    call_id, agent_id, epoch = raw.stem.rsplit("-", 2)
    return CallId(call_id), AgentId(agent_id), datetime.fromtimestamp(float(epoch)).astimezone()
