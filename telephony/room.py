"""Room for calls: how many are here, how many fit, and whether callers are being told "busy"."""

from collections import deque
from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from switchroom.domain.errors import NotReady
from switchroom.domain.events import ContactRefused
from switchroom.runtime.bus import Bus
from switchroom.runtime.capacity import Capacity
from switchroom.runtime.clock import Clock

REMEMBERED_S = 60.0
"""So long after a refusal the server does not count as ready."""


class CallRoom(Collector):
    """Follows refusals on the bus; answers the readiness check and Prometheus."""

    def __init__(self, bus: Bus, clock: Clock, count: Callable[[], int], fits: Capacity) -> None:
        """``count`` tells how many calls are live."""
        self._clock, self._count, self._fits = clock, count, fits
        self._refused: deque[float] = deque(maxlen=10_000)
        self._refused_total = 0
        bus.subscribe(ContactRefused, self._on_refused)

    async def check(self) -> str:
        """How many calls are here and fit; `NotReady` while callers are refused, or would be."""
        here, fit = self._count(), f"{self._fits.calls} fit (bound by {self._fits.bound_by})"
        while self._refused and self._refused[0] < self._clock.monotonic() - REMEMBERED_S:
            self._refused.popleft()
        if self._refused:
            raise NotReady(f"{len(self._refused)} calls were refused in the last minute: {here} are here, {fit}")
        if here >= self._fits.calls:
            raise NotReady(f"the next call is refused: {here} are here, {fit}")
        return f"{here} calls are here, {fit}"

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("switchroom_calls", "Live calls", value=self._count())
        yield GaugeMetricFamily("switchroom_calls_fit", "Calls that fit at once", value=self._fits.calls)
        yield CounterMetricFamily("switchroom_calls_refused", "Calls told busy for want of room", self._refused_total)

    def _on_refused(self, event: ContactRefused) -> None:
        self._refused_total += 1
        self._refused.append(self._clock.monotonic())
