"""Reports: the waits in queues, day by day, also of days of which the log is gone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Self

from pydantic import Field, model_validator

from cti_bridge.http.models import In
from cti_bridge.http.route import Capability, Request, Route
from switchroom.domain.contact import VisitEnding
from switchroom.domain.user import Right
from switchroom.storage.visit_days import LONGER, VisitDays, VisitRow

LONGEST_DAYS = 400


class VisitsQuery(In):
    """Days of the business, both ends included; ``by`` is one of day, brand, queue, or several with commas."""

    from_: date = Field(alias="from")
    to: date
    by: str = Field("day", pattern=r"^(day|brand|queue)(,(day|brand|queue)){0,2}$")

    @model_validator(mode="after")
    def _span(self) -> Self:
        if not 0 <= (self.to - self.from_).days < LONGEST_DAYS:
            raise ValueError(f"`from` may not be after `to`, and at most {LONGEST_DAYS} days are summed up at once")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Waits that are longer than the bucket before, and last up to ``within_s`` seconds (None: longer than all)."""

    within_s: int | None
    visits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How many ended so, how long they waited together, and how they spread."""

    visits: int
    waited_s: float
    buckets: Sequence[Bucket]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitsEntry:
    """The waits of one day, brand or queue; None is what was not asked for. A contact counts on the day it came in."""

    day: date | None = None
    brand: str | None = None
    queue: str | None = None
    visits: int
    endings: Mapping[VisitEnding, Waits]


class Reports(Capability):
    def __init__(self, visits: VisitDays) -> None:
        self._visits = visits

    async def visits(self, request: Request) -> Sequence[VisitsEntry]:
        query: VisitsQuery = request.query
        by = list(dict.fromkeys(query.by.split(",")))
        rows = await self._visits.between(query.from_, query.to, by)
        return [_entry(group) for _, group in groupby(rows, key=lambda row: (row.day, row.brand, row.queue))]

    ROUTES = (
        Route(
            method="GET",
            path="/api/v1/reports/visits",
            handle=visits,
            needs=Right.READ_REPORTS,
            summary="Waits in queues by day, brand or queue, and by how they ended; they outlive the contacts",
            query=VisitsQuery,
            answer=Sequence[VisitsEntry],
        ),
    )


def _entry(group: Iterable[VisitRow]) -> VisitsEntry:
    rows = list(group)
    endings = {ending: _waits(list(some)) for ending, some in groupby(rows, key=lambda row: row.ending)}
    return VisitsEntry(
        day=rows[0].day,
        brand=rows[0].brand,
        queue=rows[0].queue,
        visits=sum(row.visits for row in rows),
        endings=endings,
    )


def _waits(rows: Sequence[VisitRow]) -> Waits:
    longest_last = sorted(rows, key=lambda row: (row.within_s == LONGER, row.within_s))
    return Waits(
        visits=sum(row.visits for row in rows),
        waited_s=sum(row.waited_ms for row in rows) / 1000,
        buckets=[Bucket(within_s=row.within_s or None, visits=row.visits) for row in longest_last],
    )
