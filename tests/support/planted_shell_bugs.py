"""Small wrong variants of the ACD's shell. The state machine must find each of them, or it proves nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from acd.core import effects as ef
from acd.core import events as ev
from acd.service import AcdService
from switchroom.domain import events as facts
from switchroom.domain.ids import AgentId, ContactId


class TimerIsNotSet(AcdService):
    """What is due comes only with the next event."""

    def _arm(self) -> None: ...


class TimerIsSetOnce(AcdService):
    """What is due earlier than the timer that is set waits for that."""

    def _arm(self) -> None:
        if self._timer is None:
            super()._arm()


class DeliveryGoesOnAfterItsOffer(AcdService):
    """An offer that ended is brought to its agent all the same."""

    def _offer_ended(self, effect: ef.OfferEnded) -> None: ...


class RestoredWithoutRequests(AcdService):
    """What agents asked for during a contact is lost in a restart."""

    def restore(self, known: Iterable[facts.AgentStateChanged]) -> None:
        super().restore([replace(one, requested=None, requested_reason=None) for one in known])


class RequestsAreNotTold(AcdService):
    """The ledger is not told what agents asked for."""

    def _agent_changed(self, effect: ef.AgentChanged) -> None:
        super()._agent_changed(effect._replace(requested=None))


class LastStateIsToldFirst(AcdService):
    """Effects are carried out in the reverse order."""

    def _apply(self, event: ev.Event) -> None:
        self._carrying_out = True
        super()._apply(event)
        self._carrying_out = False
        while self._effects:
            effect = self._effects.pop()
            self._carry_out[type(effect)](effect)
        self._arm()


class FoundContactComesNow(AcdService):
    """A contact that is found after a restart has come at the restart."""

    def _hear(self, event: facts.Event) -> None:
        is_new = isinstance(event, facts.ContactQueued)
        super()._hear(replace(event, enqueued_at=self._clock.now()) if is_new else event)


class EndsOfTalksAreNotHeard(AcdService):
    """Only the contact's end frees its agent."""

    def _hear(self, event: facts.Event) -> None:
        if not isinstance(event, facts.TalkEnded):
            super()._hear(event)


class RingingIsNotTakenUp(AcdService):
    """A phone that is found ringing after a restart is not heard of."""

    def _hear(self, event: facts.Event) -> None:
        if not isinstance(event, facts.ContactAdopted) or event.waiting is None:
            super()._hear(event)


class EndsOfQuestionsAreNotHeard(AcdService):
    """Only the contact's end frees an agent who was asked about it."""

    def _hear(self, event: facts.Event) -> None:
        if not isinstance(event, facts.ConsultEnded):
            super()._hear(event)


class RefusedQuestionIsNotTold(AcdService):
    """When the softswitch refuses, the agent stays reserved for as long as a question may take to begin."""

    def release_consulted(self, agent_id: AgentId, contact_id: ContactId) -> None: ...


SHELL_BUGS: Mapping[str, type[AcdService]] = {
    one.__name__: one
    for one in list(globals().values())
    if isinstance(one, type) and issubclass(one, AcdService) and one is not AcdService
}
