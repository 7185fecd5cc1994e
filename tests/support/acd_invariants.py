"""What must hold of the ACD after every step, told from the outside: counted anew, compared with everybody."""

from collections import Counter
from typing import Any

from acd.core import effects as ef
from acd.core import events as ev
from acd.core.agents import Agent, AgentMove
from acd.core.offering import MARGIN_S
from acd.core.offers import Offer
from acd.core.roster import ENGAGED
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, ContactId, Extension
from tests.support.acd_questions import Questions
from tests.support.acd_world import PARAMETERS, Rings, Talks, Waits, World, fitness, is_able, place

SLACK_S = 0.01


class Invariants:
    def __init__(self, driver: Any, world: World) -> None:
        self._driver, self._world = driver, world
        self._told: dict[AgentId, ef.AgentChanged] = {}
        """Each agent's last state, as the ledger has it."""
        self._desks: dict[AgentId, Extension | None] = {agent_id: Extension(agent_id) for agent_id in PARAMETERS.agents}
        self._asked: dict[AgentId, AgentMove] = {}
        self._paused_until: dict[tuple[ContactId, AgentId], float] = {}
        self._unservable_since: dict[ContactId, tuple[object, float]] = {}
        self.questions = Questions(driver, world)

    @property
    def core(self) -> Any:
        return self._driver.core

    def picture(self) -> object:
        agents = [(a.id, a.state, a.reason, a.contact_id, a.requested) for a in self.core.roster]
        return agents, {o.contact_id: (o.id, o.state) for o in self.core.offers}, len(self.core.waiting())

    def known_agents(self) -> list[ev.KnownAgent]:
        return [
            ev.KnownAgent(t.agent_id, t.state, t.since, t.reason, t.contact_id, t.until, t.queue, t.requested)
            for t in self._told.values()
        ]

    # What the machine says

    def asked(self, agent_id: AgentId, what: AgentMove) -> None:
        self.questions.forget(agent_id)
        agent = self.core.roster.get(agent_id)
        if agent.state in ENGAGED and what is not AgentMove.READY:
            self._asked[agent_id] = what
        else:
            self._asked.pop(agent_id, None)

    def takes_desk(self, agent_id: AgentId, extension: Extension) -> None:
        sits = self.core.roster.at_desk(extension)
        if sits is not None and sits.id != agent_id:
            self._desks[sits.id] = None
            self._asked.pop(sits.id, None)
            if sits.state in ENGAGED:
                self._asked[sits.id] = AgentMove.LOG_OUT
        self._desks[agent_id] = extension

    def must_pause(self, offer: Offer, seconds: float) -> None:
        """These two are not to be offered to each other again before that."""
        if self.core.offers.get(offer.contact_id, offer.id) is not None:
            self._paused_until[offer.contact_id, offer.agent_id] = self._driver.now() + seconds

    def restarted(self) -> None:
        self._paused_until.clear()
        self._unservable_since.clear()
        self.questions.restarted()
        self._desks = {agent_id: Extension(agent_id) for agent_id in PARAMETERS.agents}

    def before(self, event: ev.Event) -> object:
        """Who was free before a contact joined, and since when."""
        if not isinstance(event, ev.ContactJoined):
            return None
        return {agent.id: agent.since for agent in self.core.roster if agent.eligible}

    # What came of it

    def effects(self, effects: list[ef.Effect], before: Any) -> None:
        for effect in effects:
            if isinstance(effect, ef.AgentChanged):
                self._changed(effect)
            elif isinstance(effect, ef.Reserve):
                self._in_turn(effect.offer)
                self.questions.may_be_offered(effect.offer.agent_id)
                if before is not None:
                    self._fittest(effect.offer, before)

    def _changed(self, told: ef.AgentChanged) -> None:
        self._told[told.agent_id] = told
        asked = self._asked.get(told.agent_id)
        if asked is None:
            return
        assert told.state is not AgentState.AVAILABLE, f"{told.agent_id} asked to {asked} and was made available"
        if told.state is AgentState.LOGGED_OUT or (asked is AgentMove.PAUSE and told.state is AgentState.PAUSED):
            del self._asked[told.agent_id]

    def _in_turn(self, offer: Offer) -> None:
        """Nobody whom the agent can serve is passed by more than the head-start."""
        chosen, agent_id = offer.entry, offer.agent_id
        needs = chosen.requirements
        assert is_able(agent_id, needs), f"{agent_id} cannot serve {chosen.contact_id}"
        until = self._paused_until.get((chosen.contact_id, agent_id), 0.0)
        assert self._driver.now() + SLACK_S >= until, "the same two again, without a pause"
        for other in self.core.waiting():
            if self.core.offers.of(other.contact_id) is None and is_able(agent_id, other.requirements):
                passed = place(other.enqueued_at, other.requirements.tier)
                assert place(chosen.enqueued_at, needs.tier) <= passed, f"{other.contact_id} was passed"

    def _fittest(self, offer: Offer, free: dict[AgentId, float]) -> None:
        """A contact that joins gets the fittest who is free, among equals the one who is for the longest time."""
        needs, agent_id = offer.entry.requirements, offer.agent_id
        rank = {a: (-fitness(a, needs), since, a) for a, since in free.items() if is_able(a, needs)}
        assert agent_id in rank and rank[agent_id] == min(rank.values()), f"{agent_id} is not the fittest"

    def is_blamed(self, agent_id: AgentId, contact_id: ContactId) -> None:
        agent = self.core.roster.get(agent_id)
        assert agent.state in (AgentState.PAUSED, AgentState.LOGGED_OUT), f"{agent_id} did not answer and is not paused"
        waits = [entry for entry in self.core.waiting() if entry.contact_id == contact_id]
        assert waits, "the contact that was not answered waits no longer"

    def is_not_blamed(self, agent_id: AgentId, *, heard: bool) -> None:
        agent = self.core.roster.get(agent_id)
        assert not heard or agent.reason != "ring_no_answer" or agent.until is None, "blamed for a caller who left"

    def reserved(self) -> set[AgentId]:
        return {agent.id for agent in self.core.roster if agent.state is AgentState.RESERVED}

    def writes_up(self, agent_id: AgentId, contact_id: ContactId) -> None:
        agent = self.core.roster.get(agent_id)
        shown = (agent.state, agent.contact_id)
        assert shown == (AgentState.WRAP_UP, contact_id), f"{agent_id} talks no more and does not write up"

    # What holds

    def hold(self, *, lost: bool) -> None:
        core, now = self.core, self._driver.now()
        offered = {offer.contact_id: offer for offer in core.offers}
        waiting = [e for e in core.waiting() if e.contact_id not in offered]
        self._agents_and_offers(offered, lost=lost)
        self.questions.hold(lost=lost)
        self._agents_as_told(now, lost=lost)
        ids = [entry.contact_id for entry in core.waiting()]
        assert len(ids) == len(set(ids)), "a contact in two places"
        for entry in core.waiting():
            contact = self._world.contacts.get(entry.contact_id)
            if contact is not None:
                assert entry.enqueued_at == contact.enqueued_at, "enqueued_at has changed"
        if core.steerable:
            for agent in core.roster:
                if agent.eligible:
                    served = [e.contact_id for e in waiting if is_able(agent.id, e.requirements)]
                    assert not served, f"{agent.id} is free beside {served}"
        if not lost:
            self._nobody_lost(offered, {entry.contact_id for entry in waiting})
        self._board(waiting)
        self._limits(waiting, now)

    def _agents_and_offers(self, offered: dict[ContactId, Offer], *, lost: bool) -> None:
        for agent in self.core.roster:
            if agent.state is AgentState.RESERVED:
                is_asked = self.core.offers.to(agent) is None
                assert not is_asked or lost or self.questions.is_asked(agent), f"{agent.id} is reserved for nothing"
        agents = [offer.agent_id for offer in offered.values()]
        assert len(agents) == len(set(agents)), "an agent with two offers"
        for offer in offered.values():
            agent = self.core.roster.get(offer.agent_id)
            assert (agent.state, agent.contact_id) == (AgentState.RESERVED, offer.contact_id), "an offer to nobody"

    def _agents_as_told(self, now: float, *, lost: bool) -> None:
        for agent in self.core.roster:
            told = self._told.get(agent.id)
            if told is not None:
                shown = (told.state, told.reason, told.contact_id, told.until, told.requested)
                is_now = (agent.state, agent.reason, agent.contact_id, agent.until, agent.requested)
                assert shown == is_now, f"{agent.id} is not as was told"
            assert agent.until is None or agent.until > now - SLACK_S, f"the wrap-up of {agent.id} does not end"
            assert agent.requested is None or agent.state in (*ENGAGED, AgentState.WRAP_UP), "a request is forgotten"
            assert agent.extension == self._desks[agent.id], f"{agent.id} sits elsewhere"
            if agent.extension is None:
                assert not agent.phone_registered, f"{agent.id} sits nowhere and has a phone"
            elif not lost:
                assert agent.phone_registered is self._world.phones.get(agent.extension, False)

    def _nobody_lost(self, offered: dict[ContactId, Offer], waiting: set[ContactId]) -> None:
        """Each live contact is where the softswitch has it."""
        for contact in self._world.contacts.values():
            match contact.phase:
                case Waits():
                    assert contact.id in offered or contact.id in waiting, f"{contact.id} is lost"
                case Talks(agent_id, _):
                    assert contact.id not in offered and contact.id not in waiting, f"{contact.id} talks and waits"
                    assert self.core.roster.get(agent_id).contact_id == contact.id, f"{agent_id} talks unseen"
                case Rings():
                    assert contact.id in offered or contact.id in waiting, f"{contact.id} rings, and is lost"
        for agent in self.core.roster:
            if agent.state is AgentState.BUSY:
                phase = self._world.phase(agent.contact_id)
                is_theirs = isinstance(phase, Talks) and phase.agent_id == agent.id
                second_in = self._world.second_in(agent.id)
                is_second = second_in is not None and second_in.id == agent.contact_id
                assert is_theirs or is_second, f"{agent.id} talks with nobody"
        known = offered.keys() | waiting
        assert known <= self._world.contacts.keys(), "a contact that has left still waits"

    def _board(self, waiting: list[Any]) -> None:
        core = self.core
        counted = Counter(entry.requirements.queue for entry in core.waiting())
        on_duty = [a for a in core.roster if a.on_duty]
        unserved = Counter(
            e.requirements.queue for e in waiting if not any(is_able(a.id, e.requirements) for a in on_duty)
        )
        for name in PARAMETERS.queues:
            serving: list[Agent] = [a for a in core.roster if name in core.board.queues_of[a.id]]
            assert core.board.waiting[name] == counted[name], f"the board counts {name} wrongly"
            assert core.board.free[name] == sum(a.eligible for a in serving)
            assert core.board.on_duty[name] == sum(a.on_duty for a in serving)
            came = [e.enqueued_at for e in core.waiting() if e.requirements.queue == name]
            assert core.board.oldest(name) == min(came, default=None), f"not the oldest of {name}"
            assert core.unserved[name] == unserved[name], f"the unserved of {name} are counted wrongly"

    def _limits(self, waiting: list[Any], now: float) -> None:
        """Whom nobody on duty may serve goes to the fallback queue in time; an offer has an end."""
        on_duty = [a.id for a in self.core.roster if a.on_duty]
        unservable = {}
        for entry in waiting:
            needs = entry.requirements
            if not any(is_able(agent_id, needs) for agent_id in on_duty):
                before = self._unservable_since.get(entry.contact_id)
                since = before[1] if before is not None and before[0] == needs.queue else now
                unservable[entry.contact_id] = (needs.queue, since)
                if needs.queue != PARAMETERS.fallback or needs.skills != {"general": 1}:
                    limit_s = PARAMETERS.queues[needs.queue].unserved_limit_s
                    assert now - since <= limit_s + SLACK_S, f"{entry.contact_id} waits for nobody"
        self._unservable_since = unservable
        due = self.core.next_due
        if self.core.steerable and len(self.core.offers):
            assert due is not None and due <= now + 20 + MARGIN_S, "an offer without an end"
