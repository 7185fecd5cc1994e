"""Small wrong variants of the ACD. The state machine must find each of them, or it proves nothing."""

from collections.abc import Callable, Mapping
from typing import Any

from acd.core import events as ev
from acd.core.agents import Agent, AgentMove
from acd.core.core import Core
from acd.core.due import What
from acd.core.effects import Effect
from acd.core.offers import Offer, OfferMove
from acd.core.roster import ENGAGED
from acd.core.rules import Rules, standard
from acd.core.rules.head_start import HeadStart
from switchroom.domain.errors import Refused
from switchroom.domain.events import AgentState, OfferFailure
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId
from tests.support.acd_world import HEAD_START_S, PARAMETERS

MakeCore = Callable[[Callable[[], OfferId], float], Core]


class TimedOutOfferStaysWithItsAgent(Core):
    """An offer that timed out leaves its agent reserved."""

    def _give_back(self, offer: Offer, move: OfferMove = OfferMove.REVOKE, *, unheard: bool = False) -> None:
        self.offers.end(offer, move, unheard=unheard)
        self._line.wait(offer.entry, self._now)


class RefusedOfferIsMadeAgainAtOnce(Core):
    """The softswitch refuses: the same two are offered to each other without a pause."""

    def _failed(self, event: ev.OfferFailed) -> None:
        offer = self.offers.get(event.contact_id, event.offer_id)
        if offer is not None and event.failure is OfferFailure.SWITCH_FAILED:
            self._give_back(offer)
        else:
            super()._failed(event)


class LateWordIsTakenForTheOffer(Core):
    """A word about another offer of the contact ends the present one."""

    def _failed(self, event: ev.OfferFailed) -> None:
        offer = self.offers.of(event.contact_id)
        super()._failed(event if offer is None else event._replace(offer_id=offer.id, agent_id=offer.agent_id))


class NoAnswerLosesTheContact(Core):
    """A contact whose agent did not answer is not put back."""

    def _failed(self, event: ev.OfferFailed) -> None:
        super()._failed(event)
        if event.failure is OfferFailure.NO_ANSWER:
            self._out_of_line(event.contact_id)


class NoAnswerIsNobodysFault(Core):
    """An agent who does not answer is free again."""

    def _failed(self, event: ev.OfferFailed) -> None:
        blameless = event._replace(failure=OfferFailure.SWITCH_FAILED)
        super()._failed(blameless if event.failure is OfferFailure.NO_ANSWER else event)


class ContactComesBackAtTheEnd(Core):
    """A contact that was not answered waits as if it came now."""

    def _failed(self, event: ev.OfferFailed) -> None:
        offer = self.offers.get(event.contact_id, event.offer_id)
        if offer is not None and event.failure is not OfferFailure.CALLER_LEFT:
            offer.entry = self._line.entry(event.contact_id, offer.entry.requirements, self._now)
        super()._failed(event)


class TierMovesTheArrival(Core):
    """A contact whose tier is learned loses the time that it waited."""

    def _requirements_changed(self, event: ev.RequirementsChanged) -> None:
        known = self._line.index.get(event.contact_id)
        if known is not None:
            entry = self._line.entry(event.contact_id, event.requirements, self._now)
            self._line.change(known, entry, self._now)
        else:
            super()._requirements_changed(event)


class TierIsNotHeardWhileOffered(Core):
    """The offered contact's old requirements come back with it: what was learned meanwhile is lost on the board."""

    def _requirements_changed(self, event: ev.RequirementsChanged) -> None:
        offer = self.offers.of(event.contact_id)
        if offer is not None:
            self._line.board.left(event.contact_id)
        else:
            super()._requirements_changed(event)


class ReservedWithoutAnOfferStays(Core):
    """A reconciliation frees nobody who is reserved."""

    def _is_engaged(self, agent: Agent, talking: Mapping[AgentId, ContactId]) -> bool:
        return agent.state is AgentState.RESERVED or super()._is_engaged(agent, talking)


class TalkIsEndedByReconciliation(Core):
    """A reconciliation takes every agent for free."""

    def _is_engaged(self, agent: Agent, talking: Mapping[AgentId, ContactId]) -> bool:
        return agent.state is not AgentState.BUSY and super()._is_engaged(agent, talking)


class OnlyTheNewlyFreeAreMatchedOnceItIsBack(Core):
    """After the softswitch was lost, those who were free already are not matched."""

    def _reconciled(self, event: ev.Reconciled) -> None:
        super()._reconciled(event)
        self._line.free.clear()


class ContactThatLeavesKeepsItsAgent(Core):
    """A contact leaves: its agent is not released."""

    def _left(self, event: ev.ContactLeft) -> None:
        self._out_of_line(event.contact_id)


class TalkThatEndsKeepsItsAgent(Core):
    """A contact that is transferred leaves its agent talking."""

    def _talk_ended(self, event: ev.TalkEnded) -> None: ...


class EndOfAnEarlierTalkFreesTheReserved(Core):
    """Told again after a restart, the end of a talk takes the agent from the same contact's present offer."""

    def _talk_ended(self, event: ev.TalkEnded) -> None:
        self.roster.release(event.agent_id, event.contact_id, event.at, self._now)


class FreedAgentIsNotMatched(Core):
    """Only contacts that come are matched, not agents who become free."""

    def _match(self) -> None:
        self._line.free.clear()
        super()._match()


class RequestIsForgotten(Core):
    """A pause that was asked for during a contact does not follow it."""

    def _state_requested(self, event: ev.StateRequested) -> None:
        super()._state_requested(event)
        if event.what is not AgentMove.READY:
            self.roster.withdraw(event.agent_id, event.what, event.reason)


class FoundOfferIsNotKept(Core):
    """A phone that is found ringing after a restart: its contact waits as if nothing rang."""

    def _offer_found(self, event: ev.OfferFound) -> None:
        self._joined(ev.ContactJoined(event.contact_id, event.requirements, event.enqueued_at))


class FoundContactComesNow(Core):
    """A contact that is found after a restart has come at the restart."""

    def _joined(self, event: ev.ContactJoined) -> None:
        super()._joined(event._replace(enqueued_at=self._now))


class DeskIsForTwo(Core):
    """Who sat at a desk that another takes stays logged in there."""

    def _desk_taken(self, event: ev.DeskTaken) -> None:
        sat_there = self.roster.at_desk(event.extension)
        super()._desk_taken(event)
        if sat_there is not None and sat_there.id != event.agent_id:
            sat_there.extension = Extension(event.extension)


class PhoneOfTheFormerDesk(Core):
    """A phone that goes away is not heard of."""

    def _phone_changed(self, event: ev.PhoneChanged) -> None:
        if event.registered:
            super()._phone_changed(event)


class NobodyOnDutyIsForEver(Core):
    """A contact that nobody on duty may serve waits for ever."""

    def _overflow(self, contact_id: ContactId) -> None: ...


class WrapUpHasNoEnd(Core):
    """What is due is looked at one at a time only: the second is late."""

    def _time_passed(self, event: ev.TimePassed) -> None:
        self._due.pop(self._now)


class ContactsOfOneMomentInTheOrderOfTheirComing(Core):
    """Of contacts that come to wait at one moment the first to come there is matched first, whatever its place."""

    def _match(self) -> None:
        anew = self._line.anew.copy()
        for contact_id in anew[:1] if self.steerable else ():
            entry, agent_id = self._line.index.get(contact_id), self._line.index.match_entry(contact_id)
            if entry is not None and agent_id is not None:
                self._offer(entry, agent_id)
        super()._match()


class AgentIsCountedTwice(Core):
    """The board counts an agent as free again with every change."""

    def _agent_changed(self, agent: Agent) -> None:
        if agent.eligible and agent.state is AgentState.AVAILABLE:
            self.board.agent_free(agent.id, 1)
        super()._agent_changed(agent)


class AskedAgentIsFreeUntilItBegins(Core):
    """An agent who is to be asked is reserved only when the softswitch says so."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._handlers = {**self._handlers, ev.ConsultRequested: self._requested}

    def _requested(self, event: ev.ConsultRequested) -> None:
        agent = self.roster.get(event.agent_id)
        if agent is None or agent.state in ENGAGED or not agent.phone_registered:
            raise Refused("busy")


class QuestionThatNeverBeginsStands(Core):
    """An agent who was to be asked stays reserved though nothing comes of it."""

    def apply(self, event: ev.Event, now: float) -> list[Effect]:
        effects = super().apply(event, now)
        for agent in self.roster:
            if agent.asked:
                self._due.cancel((What.CONSULT, agent.id))
        return effects


class WrapUpIsLostInAQuestion(Core):
    """After a question that was not answered an agent who wrote up is free."""

    def apply(self, event: ev.Event, now: float) -> list[Effect]:
        for agent in self.roster:
            agent.interrupted = None
        return super().apply(event, now)


class TalkThatIsFoundIsOfOneAgent(Core):
    """A talk that is found, or told again, frees the second agent."""

    def _talk_found(self, event: ev.TalkFound) -> None:
        super()._talk_found(event)
        for other in self.roster.engaged_with(event.contact_id) - {event.agent_id}:
            self.roster.release(other, event.contact_id, self._now, self._now)


def _rules(**other: Any) -> Rules:
    known = standard(HEAD_START_S)
    names = ("place", "able", "fitness", "turn")
    return Rules(**{name: other.get(name, getattr(known, name)) for name in names})


WRONG_RULES: Mapping[str, Rules] = {
    "head start is a delay": _rules(place=HeadStart({tier: -seconds for tier, seconds in HEAD_START_S.items()})),
    "last come is first served": _rules(place=lambda enqueued_at, tier: -enqueued_at),
    "head start is without a cap": _rules(place=lambda enqueued_at, tier: enqueued_at - (tier in HEAD_START_S) * 1e6),
    "a skill at any level will do": _rules(able=lambda needs, skills: needs.keys() <= skills.keys()),
    "one skill of many will do": _rules(
        able=lambda needs, skills: any(s in skills for s in needs),
        fitness=lambda needs, skills: sum(skills.get(s, 0) for s in needs),
    ),
    "the least fit is chosen": _rules(fitness=lambda needs, skills: -sum(skills.get(s, 0) for s in needs)),
    "the shortest idle is chosen": _rules(turn=lambda idle_since: -idle_since),
}


_CORES: list[type[Core]] = [
    one for one in list(globals().values()) if isinstance(one, type) and issubclass(one, Core) and one is not Core
]


def _of_class(bug: type[Core]) -> MakeCore:
    return lambda new_id, now: bug(PARAMETERS, new_id, now)


def _of_rules(rules: Rules) -> MakeCore:
    return lambda new_id, now: Core(PARAMETERS, new_id, now, rules)


BUGS: Mapping[str, MakeCore] = {
    **{bug.__name__: _of_class(bug) for bug in _CORES},
    **{name: _of_rules(rules) for name, rules in WRONG_RULES.items()},
}
