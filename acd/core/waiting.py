"""The line: who waits, in which place, who is free to serve, and whom nobody on duty may serve."""

from acd.core.agents import Agent
from acd.core.board import Board
from acd.core.due import Due
from acd.core.effects import Effect, LineJoined, LineLeft
from acd.core.index import RoutingIndex
from acd.core.line import QueueEntry
from acd.core.parameters import Parameters
from acd.core.rules import Rules
from acd.core.rules.nobody_on_duty import overflow
from acd.core.rules.skill_levels import together
from acd.core.unserved import UnservedWatch
from switchroom.domain.contact import Requirements
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, ContactId


class Line:
    """Index, board and watch, kept in step. ``free`` and ``anew`` are those to be matched after the present event."""

    def __init__(self, parameters: Parameters, rules: Rules, due: Due, effects: list[Effect]) -> None:
        self._parameters, self._rules, self._effects = parameters, rules, effects
        self.index = RoutingIndex(rules)
        self.board = Board(parameters, rules.able)
        self.unserved = UnservedWatch(parameters, self.index, due, effects)
        self.free: list[AgentId] = []
        """Agents who became free."""
        self.anew: list[ContactId] = []
        """Contacts that came to wait, or wait again."""

    def entry(self, contact_id: ContactId, needs: Requirements, enqueued_at: float) -> QueueEntry:
        """The contact's place, with what its queue requires of every contact added to its own needs."""
        queue = needs.queue if needs.queue in self._parameters.queues else self._parameters.fallback
        skills = together(needs.skills, self._parameters.queues[queue].skills)
        rank = (self._rules.place(enqueued_at, needs.tier), enqueued_at, contact_id)
        if skills is not needs.skills or queue != needs.queue:
            needs = Requirements(queue, skills, needs.tier, needs.tier_is_fixed, needs.channel)
        return QueueEntry(contact_id, needs, enqueued_at, rank)

    def join(self, entry: QueueEntry, now: float) -> None:
        """The contact waits from now on."""
        self.show(entry)
        self.wait(entry, now)

    def show(self, entry: QueueEntry) -> None:
        """Boards and other servers see the contact in this place."""
        self._effects.append(LineJoined(entry))
        self.board.joined(entry)

    def wait(self, entry: QueueEntry, now: float) -> None:
        """The contact is to be matched: it came, or an offer of it is over."""
        self.index.add_entry(entry)
        self.unserved.joined(entry, now)
        self.anew.append(entry.contact_id)

    def take_out(self, contact_id: ContactId) -> bool:
        """The contact is not to be matched: it has an offer, or has left. Whether it was."""
        self.unserved.left(contact_id)
        return self.index.remove_entry(contact_id) is not None

    def hide(self, contact_id: ContactId) -> None:
        """Boards and other servers see the contact no longer."""
        self.board.left(contact_id)
        self._effects.append(LineLeft(contact_id))

    def change(self, known: QueueEntry, entry: QueueEntry, now: float) -> None:
        """A contact that waits in the place ``known`` waits in another; in the same queue its limit goes on."""
        self.index.remove_entry(known.contact_id)
        self._effects.append(LineLeft(known.contact_id))
        self.join(entry, now)

    def overflow(self, entry: QueueEntry) -> Requirements | None:
        """Where a contact goes that nobody could serve for too long; None if there is nowhere to go: the first who
        comes on duty serves it."""
        fallback = self._parameters.fallback
        return overflow(entry.requirements, fallback, self._parameters.queues[fallback].skills)

    def take_changes(self) -> tuple[list[AgentId], list[ContactId]]:
        """``free`` and ``anew``, which are empty again."""
        free, anew = self.free, self.anew
        self.free, self.anew = [], []
        return free, anew

    def agent_changed(self, agent: Agent, now: float) -> None:
        on_duty = agent.state is not AgentState.LOGGED_OUT
        eligible = agent.eligible
        if eligible is not agent.counted_free:
            agent.counted_free = eligible
            if eligible:
                self.index.add_agent(agent.id, agent.skills, agent.since)
                self.free.append(agent.id)
            else:
                self.index.remove_agent(agent.id)
            self.board.agent_free(agent.id, 1 if eligible else -1)
        if on_duty is not agent.counted_on_duty:
            agent.counted_on_duty = on_duty
            self.board.agent_on_duty(agent.id, 1 if on_duty else -1)
            self.unserved.duty_changed(self.index.on_duty(agent.skills, came=on_duty), now)
