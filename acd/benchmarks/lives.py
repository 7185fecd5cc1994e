"""How many contacts the core brings through their whole lives in a second of one CPU core, in virtual time.

Each contact joins, is offered (two words of the shell: confirmed, delivered), is answered after 3 s, talks for 60 to
180 s and leaves; its agent writes up for 30 s. As many come as keep the agents at work.
"""

import heapq
import itertools
import time
from dataclasses import dataclass
from typing import Any

from acd.benchmarks.load import Load
from acd.core import events as ev
from acd.core.agents import AgentMove
from acd.core.core import Core
from acd.core.effects import Deliver, Effect, Reserve
from switchroom.domain.ids import ContactId, Extension, OfferId
from switchroom.runtime.garbage import spare_the_loop

RING_S, TALK_S, WRAP_UP_S = 3.0, (60.0, 180.0), 30.0
OCCUPANCY = 0.98
CHANGES = 4096
"""Different talk times and kinds, drawn before the clock runs."""


@dataclass(frozen=True, slots=True)
class Measured:
    agents: int
    contacts: int
    """Those that went through their whole lives."""
    seconds: float
    """Of one CPU core."""
    virtual_s: float
    longest_line: int

    @property
    def contacts_per_s(self) -> float:
        return self.contacts / self.seconds


def measure(agents: int, contacts: int) -> Measured:
    """Bring ``contacts`` through; the driver's own time counts too."""
    load = Load(agents)
    numbers = itertools.count()
    core = Core(load.parameters(), lambda: OfferId(f"o{next(numbers)}"), 0.0)
    core.apply(ev.Reconciled(frozenset(), {}), 0.0)
    for agent_id in load.agents:
        core.apply(ev.PhoneChanged(Extension(agent_id), registered=True), 0.0)
        core.apply(ev.StateRequested(agent_id, AgentMove.READY), 0.0)
    gap_s = (RING_S + sum(TALK_S) / 2 + WRAP_UP_S) / agents / OCCUPANCY
    kinds = [load.dice.choice(load.kinds) for _ in range(CHANGES)]
    talks = [load.dice.uniform(*TALK_S) for _ in range(CHANGES)]
    later: list[tuple[float, int, Any]] = []
    now, joined, left, longest = 0.0, 0, 0, 0
    order = itertools.count()

    def carry_out(effects: list[Effect]) -> None:
        for effect in effects:
            kind = type(effect)
            if kind is Reserve:
                carry_out(core.apply(ev.OfferConfirmed(effect.offer.contact_id, effect.offer.id), now))  # type: ignore[union-attr]  # quicker than isinstance
            elif kind is Deliver:
                offer = effect.offer  # type: ignore[union-attr]  # as above
                core.apply(ev.OfferDelivered(offer.contact_id, offer.id), now)
                answered = now + RING_S
                word = ev.OfferAccepted(offer.contact_id, offer.agent_id, answered)
                heapq.heappush(later, (answered, next(order), word))

    spare_the_loop()  # as the server does when it is ready
    began = time.process_time()
    while left < contacts:
        next_join = joined * gap_s if joined < contacts else float("inf")
        next_later = later[0][0] if later else float("inf")
        due = core.next_due
        if due is not None and due <= next_join and due <= next_later:
            now = due
            carry_out(core.apply(ev.TimePassed(), now))
        elif next_join <= next_later:
            now = next_join
            needs = kinds[joined % CHANGES]
            carry_out(core.apply(ev.ContactJoined(ContactId(f"c{joined}"), needs, now), now))
            joined += 1
        else:
            now, _, word = heapq.heappop(later)
            carry_out(core.apply(word, now))
            if type(word) is ev.OfferAccepted:
                over = now + talks[left % CHANGES]
                heapq.heappush(later, (over, next(order), ev.ContactLeft(word.contact_id, over)))
            else:
                left += 1
                longest = max(longest, core.board.waiting.total()) if left % 64 == 0 else longest
    return Measured(agents, contacts, time.process_time() - began, now, longest)
