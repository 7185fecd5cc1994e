"""Figures of the bridge and of the API, for Prometheus."""

import time
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from cti_bridge.http.endpoint import route_name
from cti_bridge.live.hub import Hub
from cti_bridge.tickets.service import TicketService
from switchroom.domain import events as ev
from switchroom.runtime.bus import Bus
from switchroom.storage.ledger import Ledger
from switchroom.wire import type_name

_POP_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


class _Gauges(Collector):
    """Read when asked, so that nobody has to keep them current."""

    def __init__(self, hub: Hub, ledger: Ledger, tickets: TicketService) -> None:
        self._hub, self._ledger, self._tickets = hub, ledger, tickets

    def collect(self) -> Iterable[GaugeMetricFamily]:
        yield GaugeMetricFamily("switchroom_event_sockets", "Open event sockets", value=self._hub.sockets)
        yield GaugeMetricFamily(
            "switchroom_ledger_backlog_events", "Events not yet committed", value=self._ledger.backlog
        )
        outbox = GaugeMetricFamily("switchroom_outbox", "Tickets owed, and refused for good", labels=["state"])
        for state, count in self._tickets.counts.items():
            outbox.add_metric([state], count)
        yield outbox


def measure(registry: CollectorRegistry, bus: Bus, hub: Hub, ledger: Ledger, tickets: TicketService) -> Middleware:
    """Register the figures; returns the middleware that counts requests."""
    happened = Counter("switchroom_events", "Events by type", ["type"], registry=registry)
    popped = Histogram(
        "switchroom_pop_seconds", "From the offer to the pop on the network", buckets=_POP_BUCKETS, registry=registry
    )
    requests = Histogram(
        "switchroom_http_request_seconds", "Requests by route", ["method", "route", "status"], registry=registry
    )
    registry.register(_Gauges(hub, ledger, tickets))
    offered: dict[str, ev.OfferMade] = {}

    def count(event: ev.Event) -> None:
        happened.labels(type_name(event)).inc()
        match event:
            case ev.OfferMade():
                offered[event.agent_id] = event
            case ev.ScreenPopSent() if offer := offered.pop(event.agent_id, None):
                popped.observe((event.at - offer.at).total_seconds())

    bus.subscribe(ev.Event, count)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        response = await handler(request)
        name = route_name(request)
        if not isinstance(response, web.WebSocketResponse):
            took_s = time.perf_counter() - started
            requests.labels(request.method, name, str(response.status)).observe(took_s)
        return response

    return middleware
