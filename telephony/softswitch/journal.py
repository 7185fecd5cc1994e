"""What the softswitch wrote down of calls that are over: a line each, kept in a file until it is booked.

The dialplan writes a line when a caller's channel ends (``[journal]`` in the templates), through Asterisk's CEL
(cel_custom opens its file for each line, so the file may be taken away at any time). A line is one CSV field, a JSON
object, whose ``extra`` is

    <call>|<number>|<caller>|<entered at>|<ended at>|<talk>&<talk>&…|<served>|<queue>|<enqueued at>|<again>

and a talk is ``<offer>/<agent>/<answered at>/<ended at>``; ``<again>`` is "yes" when the caller was back in line after
the last.
"""

import contextlib
import csv
import json
import time
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

import structlog

from switchroom.domain.ids import ContactId
from telephony.softswitch.channel_variables import decode_talks, decode_time, decode_waiting
from telephony.softswitch.port import PastCall

log = structlog.get_logger(__name__)

TAKEN = ".taken"


class Journal:
    """The file ``path``. All methods block: call them in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[Path, tuple[int, frozenset[ContactId]]] = {}
        """What was read of each file that was taken away: its size, and the calls in it."""

    def take(self) -> list[PastCall]:
        """Every call that is over and not yet `forget`-ten, by the time of its end. OSError: it cannot be read."""
        with contextlib.suppress(FileNotFoundError):
            self._path.rename(self._path.with_name(f"{self._path.name}.{time.time_ns()}{TAKEN}"))
        found: list[PastCall] = []
        for path in _taken(self._path):
            content = path.read_bytes()
            calls = list(parse(content.decode(errors="replace").splitlines()))
            self._files[path] = (len(content), frozenset(call.contact_id for call in calls))
            found += calls
        return sorted(found, key=lambda call: call.ended_at)

    def forget(self, booked: Set[ContactId]) -> None:
        """These are booked: files that tell of no others go. One that has grown since it was read is kept."""
        for path, (size, calls) in tuple(self._files.items()):
            if calls <= booked:
                if path.stat().st_size == size:
                    path.unlink()
                del self._files[path]


def contents(path: Path) -> Iterator[str]:
    """What stands in the journal and is not yet booked, file by file. Blocks; OSError: it cannot be read."""
    for file in (path, *_taken(path)):
        with contextlib.suppress(FileNotFoundError):
            yield file.read_text(encoding="utf-8", errors="replace")


def _taken(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.*{TAKEN}"))


def parse(lines: Sequence[str]) -> Iterator[PastCall]:
    """The calls in ``lines``; a line that cannot be read is left out, and said.

    >>> line = '"{""extra"":""c1|400||2026-11-23T09:00:00+00:00|2026-11-23T09:01:00+00:00|||||""}"'
    >>> next(parse([line])).contact_id
    'c1'
    """
    for row in csv.reader(lines):
        try:
            yield _call(json.loads(row[0])["extra"])
        except (LookupError, ValueError, TypeError):
            log.error("journal.unreadable_line", fields=len(row))


def _call(line: str) -> PastCall:
    contact_id, number, caller, entered, ended, talks, served, queue, enqueued, again = line.split("|")
    entered_at, ended_at = decode_time(entered), decode_time(ended)
    if not contact_id or entered_at is None or ended_at is None:
        raise ValueError(line)
    over = decode_talks(talks)
    return PastCall(
        contact_id=ContactId(contact_id),
        number=number,
        caller=caller,
        entered_at=entered_at,
        ended_at=ended_at,
        talks=over,
        waited_again=decode_waiting({"QUEUE": queue, "ENQUEUED_AT": enqueued}) if over and again else None,
        transferred=bool(over) and again == "transferred",
        served=served == "yes",
    )
