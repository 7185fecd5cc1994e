"""The talks of the softswitch in memory: who has the caller, who is asked, who leaves."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from switchroom.domain.contact import Talk, Waiting
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId
from telephony.softswitch.port import (
    AgentAnswered,
    AgentFailed,
    AgentLeft,
    AgentRinging,
    CallerHeld,
    CallerJoined,
    CallerLeft,
    ConferenceBegan,
    ConsultBegan,
    ConsultOver,
    Delivery,
    FileClosed,
    LiveCall,
    LivePhase,
    PastCall,
    SecondLeg,
    SwitchError,
    SwitchEvent,
)

Behaviour = Literal["answers", "rings", "busy"]
NOWHERE = Extension("")

_WITH_AGENT = (LivePhase.TALKING, LivePhase.HELD, LivePhase.CONSULTING, LivePhase.CONFERENCE)


@dataclass(slots=True)
class Line:
    """A caller in the softswitch."""

    live: LiveCall
    extension: Extension = NOWHERE
    """Where it rings, or rang last."""
    second: Extension = NOWHERE
    """Where the agent sits who is consulted."""
    again: bool = False
    """Back in line after a talk."""
    transferred: bool = False
    """By a transfer out of that talk."""
    recorded: AgentId | None = None
    """The agent in whose name the recording is that is open."""
    next: Literal["", "waiting", "hangup"] = ""


@dataclass(slots=True)
class Phone:
    behaviour: Behaviour
    in_use: bool = False


class FakeTalks:
    """Part of `FakeSoftswitch`, which has the rest."""

    __slots__ = ()

    now: Callable[[], datetime]
    lines: dict[ContactId, Line]
    past: list[PastCall]
    phones: dict[Extension, Phone]
    unanswered: set[str]

    def command(self, name: str, contact_id: ContactId, *arguments: object) -> Line:
        raise NotImplementedError

    def free(self, extension: Extension) -> None:
        raise NotImplementedError

    def tell_phone(self, extension: Extension) -> None:
        raise NotImplementedError

    def tell(self, event: SwitchEvent) -> None:
        raise NotImplementedError

    # The port.

    async def transfer(self, contact_id: ContactId, waiting: Waiting) -> None:
        line = self.command("transfer", contact_id, waiting)
        line.live = replace(line.live, waiting=waiting)
        self._back_in_line(line, transferred=True)
        if "transfer" in self.unanswered:
            raise SwitchError("no answer in time")

    async def hold(self, contact_id: ContactId) -> None:
        line = self._with_agent("hold", contact_id)
        self._music(line)
        line.live = replace(line.live, phase=LivePhase.HELD)
        self.tell(CallerHeld(contact_id=contact_id))

    async def resume(self, contact_id: ContactId) -> None:
        line = self._with_agent("resume", contact_id)
        self._consult_over(line, OfferFailure.CALLER_LEFT)
        self._join(line)

    async def consult(self, contact_id: ContactId, delivery: Delivery) -> None:
        line = self._with_agent("consult", contact_id, delivery)
        self._music(line)
        offer_id, agent_id = delivery.offer_id, delivery.agent_id
        second = SecondLeg(offer_id=offer_id, agent_id=agent_id)
        line.live, line.second = replace(line.live, phase=LivePhase.CONSULTING, second=second), delivery.extension
        self.tell(ConsultBegan(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id))
        phone = self.phones.get(delivery.extension)
        if phone is None:
            self.fail(contact_id, OfferFailure.UNREACHABLE)
        elif phone.behaviour == "busy":
            self.fail(contact_id, OfferFailure.BUSY)
        else:
            self.tell(AgentRinging(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id))
            if phone.behaviour == "answers":
                self.answer(contact_id)

    async def complete(self, contact_id: ContactId) -> None:
        line = self._with_agent("complete", contact_id)
        second, extension = line.live.second, line.extension
        assert second is not None and second.answered
        self._close(line)
        self._talk_over(line, self._first(line.live))
        line.live = replace(
            line.live,
            phase=LivePhase.TALKING,
            agent_id=second.agent_id,
            offer_id=second.offer_id,
            answered_at=self.now(),
            second=None,
        )
        line.extension, line.second = line.second, NOWHERE
        self.free(extension)
        self._join(line)

    async def conference(self, contact_id: ContactId) -> None:
        line = self._with_agent("conference", contact_id)
        second = line.live.second
        assert second is not None and second.answered
        line.live = replace(line.live, phase=LivePhase.CONFERENCE, second=replace(second, joined_at=self.now()))
        self.tell(ConferenceBegan(contact_id=contact_id, offer_id=second.offer_id, agent_id=second.agent_id))

    # The world.

    def answer(self, contact_id: ContactId) -> None:
        """The ringing agent takes the call; of a consultation, the one who is asked."""
        line, offer_id, agent_id, extension = self._rings(contact_id)
        if line.live.second is not None:
            line.live = replace(line.live, second=replace(line.live.second, answered=True))
        else:
            line.live = replace(line.live, phase=LivePhase.TALKING, answered_at=self.now())
            line.again, line.transferred, line.recorded = False, False, agent_id
        self.phones[extension].in_use = True
        self.tell(AgentAnswered(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id))
        self.tell_phone(extension)

    def fail(self, contact_id: ContactId, failure: OfferFailure) -> None:
        """Who is rung does not take it: the caller waits again, or is back with the agent."""
        line, offer_id, agent_id, _ = self._rings(contact_id)
        if line.live.second is not None:
            self._consult_over(line, failure)
            self._join(line)
            return
        line.live = replace(line.live, phase=LivePhase.WAITING, agent_id=None, offer_id=None)
        self.tell(AgentFailed(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id, failure=failure))

    def agent_hangs_up(self, contact_id: ContactId) -> None:
        """Ends a talk, and so the call; a caller who hears music is in line again; a conference goes on."""
        line = self.lines[contact_id]
        second, extension = line.live.second, line.extension
        match line.live.phase:
            case LivePhase.TALKING:
                self.caller_hangs_up(contact_id)
            case LivePhase.CONFERENCE:
                assert second is not None
                self._talk_over(line, self._first(line.live))
                line.live = replace(
                    line.live,
                    phase=LivePhase.TALKING,
                    agent_id=second.agent_id,
                    offer_id=second.offer_id,
                    answered_at=second.joined_at,
                    second=None,
                )
                line.extension, line.second = line.second, NOWHERE
                self.free(extension)
            case phase:
                assert phase in _WITH_AGENT, f"the call is {phase}"
                self._back_in_line(line)

    def expert_hangs_up(self, contact_id: ContactId) -> None:
        """Who was consulted leaves."""
        line = self.lines[contact_id]
        second, extension = line.live.second, line.second
        assert second is not None
        if line.live.phase is LivePhase.CONFERENCE:
            self._talk_over(line, self._seconds(second))
            line.live, line.second = replace(line.live, phase=LivePhase.TALKING, second=None), NOWHERE
            self.free(extension)
        else:
            self._consult_over(line, None)
            self._join(line)

    def caller_hangs_up(self, contact_id: ContactId) -> None:
        line = self.lines[contact_id]
        if line.live.phase is LivePhase.RINGING:
            _, offer_id, agent_id, _ = self._rings(contact_id)
            left = OfferFailure.CALLER_LEFT
            self.tell(AgentFailed(contact_id=contact_id, offer_id=offer_id, agent_id=agent_id, failure=left))
        elif line.live.phase in _WITH_AGENT:
            second = line.live.second
            self._close(line)
            self._talk_over(line, self._first(line.live))
            if second is not None and line.live.phase is LivePhase.CONFERENCE:
                self._talk_over(line, self._seconds(second))
                self.free(line.second)
            else:
                self._consult_over(line, OfferFailure.CALLER_LEFT)
            self.free(line.extension)
        self._write_down(line)
        del self.lines[contact_id]
        self.tell(CallerLeft(contact_id=contact_id))

    def _with_agent(self, name: str, contact_id: ContactId, *arguments: object) -> Line:
        line = self.command(name, contact_id, *arguments)
        if line.live.phase not in _WITH_AGENT:
            raise SwitchError("no agent has this caller")
        return line

    def _rings(self, contact_id: ContactId) -> tuple[Line, OfferId, AgentId, Extension]:
        line = self.lines[contact_id]
        live, second = line.live, line.live.second
        if live.phase is LivePhase.CONSULTING and second is not None:
            assert not second.answered
            return line, second.offer_id, second.agent_id, line.second
        assert live.phase is LivePhase.RINGING, f"the call is {live.phase}"
        assert live.agent_id is not None and live.offer_id is not None
        return line, live.offer_id, live.agent_id, line.extension

    def _join(self, line: Line) -> None:
        live = line.live = replace(line.live, phase=LivePhase.TALKING)
        assert live.agent_id is not None and live.offer_id is not None
        line.recorded = live.agent_id
        self.tell(CallerJoined(contact_id=live.contact_id, offer_id=live.offer_id, agent_id=live.agent_id))

    def _consult_over(self, line: Line, unanswered: OfferFailure | None) -> None:
        """``unanswered`` is why, if it was not answered."""
        live, second, extension = line.live, line.live.second, line.second
        if second is None:
            return
        line.live, line.second = replace(live, second=None), NOWHERE
        failure = None if second.answered else unanswered
        self.tell(
            ConsultOver(contact_id=live.contact_id, offer_id=second.offer_id, agent_id=second.agent_id, failure=failure)
        )
        self.free(extension)

    def _back_in_line(self, line: Line, *, transferred: bool = False) -> None:
        line.again, line.transferred = True, transferred
        self._close(line)
        self._talk_over(line, self._first(line.live))
        self._consult_over(line, OfferFailure.CALLER_LEFT)
        line.live = replace(line.live, phase=LivePhase.WAITING, agent_id=None, offer_id=None, answered_at=None)
        self.free(line.extension)

    def _music(self, line: Line) -> None:
        """The recording goes on afterwards, unless its agent has left a conference since."""
        if line.recorded != line.live.agent_id:
            self._close(line)

    def _close(self, line: Line) -> None:
        if line.recorded is not None:
            contact_id, entered_at = line.live.contact_id, line.live.entered_at
            file = f"{contact_id}-{line.recorded}-{entered_at.timestamp():.0f}.raw"
            line.recorded = None
            self.tell(FileClosed(contact_id=contact_id, file=file))

    def _talk_over(self, line: Line, talk: Talk) -> None:
        assert talk.offer_id is not None
        line.live = replace(line.live, talks=(*line.live.talks, talk))
        self.tell(
            AgentLeft(
                contact_id=line.live.contact_id,
                offer_id=talk.offer_id,
                agent_id=talk.agent_id,
                waits=line.again,
                transferred=line.transferred,
            )
        )

    def _first(self, live: LiveCall) -> Talk:
        assert live.agent_id is not None and live.offer_id is not None and live.answered_at is not None
        return Talk(agent_id=live.agent_id, offer_id=live.offer_id, began_at=live.answered_at, ended_at=self.now())

    def _seconds(self, second: SecondLeg) -> Talk:
        assert second.joined_at is not None
        return Talk(agent_id=second.agent_id, offer_id=second.offer_id, began_at=second.joined_at, ended_at=self.now())

    def _write_down(self, line: Line) -> None:
        live = line.live
        self.past.append(
            PastCall(
                contact_id=live.contact_id,
                number=live.number,
                caller=live.caller,
                entered_at=live.entered_at,
                ended_at=self.now(),
                talks=live.talks,
                waited_again=live.waiting if line.again and live.talks else None,
                transferred=line.transferred,
                served=live.served,
            )
        )
