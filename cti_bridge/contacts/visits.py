"""Figures of the waits in queues, for Prometheus: each visit counts once, by queue, brand and ending."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

from switchroom.domain import events as ev
from switchroom.domain.brand import Brands
from switchroom.domain.contact import QueueVisit, VisitEnding
from switchroom.domain.history import ContactRecord

_BUCKETS = (1, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)


class VisitFigures:
    """Call `watch` with every event of a contact."""

    def __init__(self, registry: CollectorRegistry, brands: Brands) -> None:
        self._brands = brands
        self._ended = Counter(
            "switchroom_visits", "Waits in a queue that ended", ["queue", "brand", "ending"], registry=registry
        )
        self._in_time = Counter(
            "switchroom_visits_in_time",
            "Waits that were answered within the brand's service level",
            ["queue", "brand"],
            registry=registry,
        )
        self._waited = Histogram(
            "switchroom_visit_seconds",
            "How long contacts waited, by how it ended",
            ["queue", "ending"],
            buckets=_BUCKETS,
            registry=registry,
        )

    def watch(self, event: ev.ContactEvent, before: ContactRecord | None, record: ContactRecord) -> None:
        """Count the visits that end with ``event``, which changes ``before`` to ``record``."""
        if before is not None and before.visits is record.visits:
            return
        for visit in _ended(record)[len(_ended(before)) if before else 0 :]:
            self._count(visit, record)

    def _count(self, visit: QueueVisit, record: ContactRecord) -> None:
        assert visit.ending is not None and visit.ended_at is not None
        brand = self._brands.named(record.brand) if record.brand else self._brands.of(record.number)
        waited_s = max(0.0, (visit.ended_at - visit.enqueued_at).total_seconds())
        self._ended.labels(visit.queue, brand.name, visit.ending).inc()
        self._waited.labels(visit.queue, visit.ending).observe(waited_s)
        level = brand.service_level
        if visit.ending is VisitEnding.ANSWERED and level is not None and waited_s <= level.within_s:
            self._in_time.labels(visit.queue, brand.name).inc()


def _ended(record: ContactRecord) -> Sequence[QueueVisit]:
    return [visit for visit in record.visits if visit.ending is not None]
