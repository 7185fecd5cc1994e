"""The stage of the ACD's state machine: the driver and the world around it, and what is told from one to the other."""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from acd.core import effects as ef
from acd.core import events as ev
from acd.core.offers import Offer, OfferState
from switchroom.domain.ids import AgentId, ContactId
from tests.support.acd_driver import Driver
from tests.support.acd_invariants import Invariants
from tests.support.acd_world import World

RARELY = st.integers(0, 3).map(lambda drawn: drawn == 0)
"""For what leaves little behind: or nothing else comes of anything."""


class Stage(RuleBasedStateMachine):
    """Subclasses say which `Driver`."""

    make_driver: Callable[[], Driver]

    def __init__(self) -> None:
        super().__init__()
        self.driver = type(self).make_driver()
        self.world = World()
        self.check = Invariants(self.driver, self.world)
        self.to_confirm: list[Offer] = []
        self.to_deliver: list[Offer] = []
        self.over: list[Offer] = []
        """Offers that ended: late words are about these."""
        self.requests: list[tuple[ContactId, AgentId]] = []
        """Agents who are to be asked, whose phones are not called yet."""
        self.lost = False
        self.count = 0
        self.tell(ev.Reconciled(frozenset(), {}))

    def teardown(self) -> None:
        self.driver.close()

    def tell(self, event: ev.Event) -> None:
        before = self.check.before(event)
        self.driver.tell(event, lambda effects: self.take(effects, before))

    def take(self, effects: list[ef.Effect], before: object = None) -> None:
        for effect in effects:
            match effect:
                case ef.Reserve(offer) if not self.driver.confirms:
                    self.to_confirm.append(offer)
                case ef.Deliver(offer, extension):
                    assert self.driver.core.roster.at_desk(extension) is not None, "the phone where nobody sits"
                    self.to_deliver.append(offer)
                case ef.OfferEnded(offer, state, _):
                    self.over.append(offer)
                    self.to_confirm = [one for one in self.to_confirm if one is not offer]
                    if state is not OfferState.ACCEPTED:
                        self.to_deliver = [one for one in self.to_deliver if one is not offer]
                case ef.Overflowed(contact_id, requirements, _):
                    if (contact := self.world.contacts.get(contact_id)) is not None:
                        contact.needs = requirements
        self.check.effects(effects, before)

    def hear(self, event: ev.Event) -> None:
        """What the softswitch says, if it can be heard."""
        if not self.lost:
            self.tell(event)

    def one_of(self, data: st.DataObject, things: list[object]) -> object:  # type: ignore[override]
        return data.draw(st.sampled_from(things))
