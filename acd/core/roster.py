"""The agents: their states, their desks, what they asked for meanwhile, and the ends of their wrap-up."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from acd.core.agents import REQUESTED_STATE, Agent, AgentMove, WrapUp, after
from acd.core.due import Due, What
from acd.core.effects import AgentChanged, DeskChanged, Effect
from acd.core.events import KnownAgent
from acd.core.parameters import Parameters, QueueParameters
from switchroom.domain.contact import VOICE
from switchroom.domain.errors import UnknownAgent
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, ChannelName, ContactId, Extension, QueueName

ENGAGED = (AgentState.RESERVED, AgentState.BUSY)
"""What a person asks for in these states waits for the end of the contact."""

RING_NO_ANSWER = "ring_no_answer"
"""The pause reason of an agent who did not take an offer."""

DEFAULT_WRAP_UP_S: float = QueueParameters().wrap_up_s


class Roster:
    """All agents of ``agents.yaml``. ``changed`` is called with each agent whose state or desk has changed."""

    def __init__(
        self, parameters: Parameters, due: Due, effects: list[Effect], changed: Callable[[Agent], None], now: float
    ) -> None:
        self._wrap_up_s = {name: queue.wrap_up_s for name, queue in parameters.queues.items()}
        self._due, self._effects, self._changed = due, effects, changed
        self._phones: dict[Extension, bool] = {}
        self._engaged_with: defaultdict[ContactId, set[AgentId]] = defaultdict(set)
        self._agents = {
            agent_id: Agent(
                id=agent_id,
                name=agent.name,
                skills=agent.skills,
                team=agent.team,
                extension=agent.desk or Extension(agent_id),
                since=now,
            )
            for agent_id, agent in parameters.agents.items()
        }
        self._at_desk = {agent.extension: agent for agent in self._agents.values() if agent.extension is not None}

    def __iter__(self) -> Iterator[Agent]:
        return iter(self._agents.values())

    def get(self, agent_id: AgentId | None) -> Agent | None:
        return None if agent_id is None else self._agents.get(agent_id)

    def at_desk(self, extension: Extension) -> Agent | None:
        """Who sits there."""
        return self._at_desk.get(extension)

    def engaged_with(self, contact_id: ContactId) -> frozenset[AgentId]:
        """The agents who are reserved for the contact, talk in it, or write it up."""
        return frozenset(self._engaged_with.get(contact_id, ()))

    def restore(self, known: Iterable[KnownAgent], desks: Mapping[AgentId, Extension]) -> None:
        """Take up the last states and desks, as they were kept; nobody needs to hear of them."""
        self._seat(desks)
        for was in known:
            agent = self._agents.get(was.agent_id)
            if agent is None:
                continue
            agent.reason, agent.since, agent.requested = was.reason, was.since, was.requested
            self._place(agent, was.state, was.contact_id, was.queue, was.until)
            if was.state is AgentState.WRAP_UP and was.until is None:
                self._due.set((What.WRAP_UP, agent.id), was.since)
            self._changed(agent)

    def _seat(self, desks: Mapping[AgentId, Extension]) -> None:
        """Everybody at once: who comes first in the file takes nobody's place."""
        taken = set(desks.values())
        self._at_desk.clear()
        for agent in self:
            agent.extension = desks.get(agent.id) or (agent.extension if agent.extension not in taken else None)
            if agent.extension is not None:
                self._at_desk[agent.extension] = agent

    def request(self, agent_id: AgentId, what: AgentMove, reason: str | None, now: float) -> None:
        """What a person asks for: ready, pause, log out. During a contact it is kept until the contact is over."""
        agent = self._known(agent_id)
        if agent.state in ENGAGED:
            agent.interrupted = None  # as it would have ended their wrap-up
            self._request_later(agent, None if what is AgentMove.READY else (what, reason))
            return
        target = after(agent.state, what)
        if target is agent.state and (reason == agent.reason or what is AgentMove.READY):
            return
        agent.requested = None
        self._become(agent, target, now, reason=None if what is AgentMove.READY else reason)

    def withdraw(self, agent_id: AgentId, what: AgentMove, reason: str | None) -> None:
        """Take back exactly this request, if it still waits for the end of the contact."""
        agent = self._agents.get(agent_id)
        if agent is not None and agent.requested == (what, reason):
            self._request_later(agent, None)

    def reserve(self, agent_id: AgentId, contact_id: ContactId, queue: QueueName, now: float) -> None:
        agent = self._agents[agent_id]
        self._become(agent, after(agent.state, AgentMove.RESERVE), now, contact_id=contact_id, queue=queue)

    def consult(self, agent: Agent, contact_id: ContactId, now: float, *, begins_by: float | None = None) -> None:
        """Another agent asks them about a contact: afterwards they are what they were. Who has a contact keeps it.

        Until the softswitch has said that it begins, at the latest at ``begins_by``, it is a request.
        """
        if agent.state not in ENGAGED:
            queue = self.queue_of(contact_id)
            self._return_to_absence(agent)
            wrap_up = None if agent.until is None else WrapUp(agent.contact_id, agent.queue, agent.until)
            self._become(agent, after(agent.state, AgentMove.CONSULT), now, contact_id=contact_id, queue=queue)
            agent.interrupted = wrap_up
        elif (agent.state, agent.contact_id) != (AgentState.RESERVED, contact_id):
            return
        agent.asked = begins_by is not None
        if begins_by is not None:
            self._due.set((What.CONSULT, agent.id), begins_by)
        else:
            self._due.cancel((What.CONSULT, agent.id))

    def queue_of(self, contact_id: ContactId) -> QueueName | None:
        """Where a contact waited that an agent has."""
        return next((self._agents[other].queue for other in self.engaged_with(contact_id)), None)

    def _return_to_absence(self, agent: Agent) -> None:
        """Who is called away from a pause, or from their free time, goes back to it."""
        if agent.state is AgentState.PAUSED:
            agent.requested = (AgentMove.PAUSE, agent.reason)
        elif agent.state is AgentState.LOGGED_OUT:
            agent.requested = (AgentMove.LOG_OUT, None)

    def connect(self, agent: Agent, at: float, channel: ChannelName) -> None:
        target, agent.channel = after(agent.state, AgentMove.CONNECT), channel
        self._become(agent, target, at, contact_id=agent.contact_id, queue=agent.queue)

    def ring_no_answer(self, agent: Agent, now: float) -> None:
        """The offer did not reach a person who takes it: paused, so that the next contact is spared."""
        self._become(agent, after(agent.state, AgentMove.RING_NO_ANSWER), now, reason=RING_NO_ANSWER)
        self._carry_out_request(agent, now)

    def release(self, agent_id: AgentId, contact_id: ContactId | None, at: float, now: float) -> None:
        """This contact of the agent is over (since ``at``), or came to nothing through no fault of theirs.

        An agent who has another contact by now keeps it.
        """
        agent = self._agents.get(agent_id)
        if agent is None or agent.contact_id != contact_id:
            return
        if agent.state is AgentState.BUSY:
            target = after(agent.state, AgentMove.FINISH)
            until = at + (self._wrap_up_s.get(agent.queue, DEFAULT_WRAP_UP_S) if agent.queue else DEFAULT_WRAP_UP_S)
            self._become(agent, target, at, contact_id=contact_id, queue=agent.queue, until=until)
        elif agent.interrupted is not None and agent.interrupted.until > now:
            was = agent.interrupted
            target = after(agent.state, AgentMove.WRITE_UP_AGAIN)
            self._become(agent, target, now, contact_id=was.contact_id, queue=was.queue, until=was.until)
        elif agent.state is AgentState.RESERVED:
            target, reason = after(agent.state, AgentMove.RELEASE), None
            if agent.requested is not None:  # before the next contact finds them free
                what, reason = agent.requested
                target, agent.requested = after(target, what), None
            self._become(agent, target, now, reason=reason)

    def adopt(
        self, agent: Agent, state: AgentState, contact_id: ContactId, queue: QueueName | None, since: float
    ) -> None:
        """The softswitch holds the agent reserved or busy: that is how it is."""
        agent.channel = VOICE
        if (agent.state, agent.contact_id) != (state, contact_id):
            queue = queue or (agent.queue if agent.contact_id == contact_id else None)
            if agent.reason != RING_NO_ANSWER:  # they did answer
                self._return_to_absence(agent)
            self._become(agent, state, since, contact_id=contact_id, queue=queue)

    def end_wrap_up(self, agent_id: AgentId, now: float) -> None:
        agent = self._agents[agent_id]
        if not self._carry_out_request(agent, now):
            self.request(agent_id, AgentMove.READY, None, now)

    def phone(self, extension: Extension, registered: bool) -> None:
        """A phone registered, or went away: the agent who sits there can be reached, or not."""
        self._phones[extension] = registered
        agent = self._at_desk.get(extension)
        if agent is not None and agent.phone_registered is not registered:
            self._sit(agent, extension)

    def take_desk(self, agent_id: AgentId, extension: Extension, now: float) -> None:
        """The agent sits there from now on. Who sat there is logged out, after their contact if they have one."""
        agent = self._known(agent_id)
        if agent.extension == extension:
            return
        evicted = self._at_desk.pop(extension, None)
        if agent.extension is not None:
            del self._at_desk[agent.extension]
        self._at_desk[extension] = agent
        if evicted is not None:
            self._sit(evicted, None)
            self.request(evicted.id, AgentMove.LOG_OUT, None, now)
        self._sit(agent, extension)

    def _known(self, agent_id: AgentId) -> Agent:
        agent = self._agents.get(agent_id)
        if agent is None:
            raise UnknownAgent(agent_id)
        return agent

    def _sit(self, agent: Agent, extension: Extension | None) -> None:
        agent.extension = extension
        agent.phone_registered = extension is not None and self._phones.get(extension, False)
        self._effects.append(DeskChanged(agent.id, extension, agent.phone_registered))
        self._changed(agent)

    def _request_later(self, agent: Agent, requested: tuple[AgentMove, str | None] | None) -> None:
        if agent.requested != requested:
            agent.requested = requested
            self._tell(agent)

    def _carry_out_request(self, agent: Agent, now: float) -> bool:
        if agent.requested is None:
            return False
        what, reason = agent.requested
        assert what in REQUESTED_STATE
        self.request(agent.id, what, reason, now)
        return True

    def _become(
        self,
        agent: Agent,
        state: AgentState,
        since: float,
        *,
        reason: str | None = None,
        contact_id: ContactId | None = None,
        queue: QueueName | None = None,
        until: float | None = None,
    ) -> None:
        agent.reason, agent.since = reason, since
        self._place(agent, state, contact_id, queue, until)
        self._effects.append(AgentChanged(agent.id, state, since, reason, contact_id, until, queue, agent.requested))
        self._changed(agent)

    def _place(
        self,
        agent: Agent,
        state: AgentState,
        contact_id: ContactId | None,
        queue: QueueName | None,
        until: float | None,
    ) -> None:
        if agent.state is AgentState.WRAP_UP:
            self._due.cancel((What.WRAP_UP, agent.id))
        if agent.asked:
            agent.asked = False
            self._due.cancel((What.CONSULT, agent.id))
        if agent.contact_id != contact_id:
            if agent.contact_id is not None:
                others = self._engaged_with[agent.contact_id]
                others.discard(agent.id)
                if not others:
                    del self._engaged_with[agent.contact_id]
            if contact_id is not None:
                self._engaged_with[contact_id].add(agent.id)
        agent.state, agent.contact_id, agent.queue, agent.until = state, contact_id, queue, until
        agent.interrupted = None
        if state is AgentState.WRAP_UP and until is not None:
            self._due.set((What.WRAP_UP, agent.id), until)

    def _tell(self, agent: Agent) -> None:
        self._effects.append(
            AgentChanged(
                agent.id,
                agent.state,
                agent.since,
                agent.reason,
                agent.contact_id,
                agent.until,
                agent.queue,
                agent.requested,
            )
        )
