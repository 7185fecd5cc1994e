"""Takes agents out of the line whom a call would reach in vain: their desktop is gone, or they are after a restart.

A desktop that comes back in time changes nothing; one that comes back later finds the agent paused, with the reason.
"""

from collections.abc import Callable, Collection
from functools import partial

from acd.core.agents import AgentMove
from acd.service import AcdService
from switchroom.domain.events import AgentState, DesktopClosed, DesktopOpened, Reconciled
from switchroom.domain.ids import AgentId
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock, Timer

DESKTOP_GONE = "desktop_gone"
"""The pause reason of an agent whose desktop is gone."""


class Presence:
    """Follows the agents' desktops. Make it after the agents were restored.

    ``gone_after_s`` is how long a desktop may be away; ``had_desktop`` names who had one open before a restart. Who
    works with a telephone alone and never opened a desktop is left in peace.
    """

    def __init__(
        self, acd: AcdService, bus: Bus, clock: Clock, *, gone_after_s: float, had_desktop: Collection[AgentId] = ()
    ) -> None:
        self._acd, self._clock, self._gone_after_s = acd, clock, gone_after_s
        self._had_desktop = frozenset(had_desktop)
        self._open: set[AgentId] = set()
        self._timers: dict[AgentId, Timer] = {}
        self._restored = [agent.id for agent in acd.roster if agent.state is not AgentState.LOGGED_OUT]
        bus.subscribe(DesktopOpened, self._on_opened)
        bus.subscribe(DesktopClosed, self._on_closed)
        bus.subscribe(Reconciled, self._on_reconciled)

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _on_opened(self, event: DesktopOpened) -> None:
        self._open.add(event.agent_id)
        if (timer := self._timers.pop(event.agent_id, None)) is not None:
            timer.cancel()
        self._acd.withdraw(event.agent_id, AgentMove.PAUSE, DESKTOP_GONE)

    def _on_closed(self, event: DesktopClosed) -> None:
        self._open.discard(event.agent_id)
        self._later(event.agent_id, self._gone)

    def _on_reconciled(self, event: Reconciled) -> None:
        """The softswitch has said whose phone is registered: from now on desktops have time to come back."""
        restored, self._restored = self._restored, []
        for agent_id in restored:
            if agent_id not in self._open:
                self._later(agent_id, self._not_back)

    def _later(self, agent_id: AgentId, check: Callable[[AgentId], None]) -> None:
        if (timer := self._timers.pop(agent_id, None)) is not None:
            timer.cancel()
        self._timers[agent_id] = self._clock.call_later(self._gone_after_s, partial(check, agent_id))

    def _gone(self, agent_id: AgentId) -> None:
        self._ask(agent_id, AgentMove.PAUSE, DESKTOP_GONE)

    def _not_back(self, agent_id: AgentId) -> None:
        agent = self._acd.roster.get(agent_id)
        if agent is not None and not agent.phone_registered:
            self._ask(agent_id, AgentMove.LOG_OUT, None)
        elif agent_id in self._had_desktop:
            self._gone(agent_id)

    def _ask(self, agent_id: AgentId, what: AgentMove, reason: str | None) -> None:
        """In a call it is kept until the call is over, unless the agent has asked for something themselves."""
        del self._timers[agent_id]
        agent = self._acd.roster.get(agent_id)
        if agent is None or agent.requested is not None or agent.state is AgentState.LOGGED_OUT:
            return
        if what is AgentMove.LOG_OUT or agent.state is not AgentState.PAUSED:
            self._acd.request(agent_id, what, reason)
