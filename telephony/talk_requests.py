"""What an agent does with the caller whom they have: hold, consult, hand over, a conference, a transfer.

A command that the softswitch has taken shows its effect a little later, as an event, and two that cross leave the
caller in the music: so no other is taken until the call has moved, or `EFFECT_WITHIN_S` have passed.
"""

import uuid
from collections.abc import Awaitable, Callable

from switchroom.domain.call import TALKING, CallState
from switchroom.domain.contact import Requirements, Waiting, for_queue
from switchroom.domain.errors import Refused, UnknownContact
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId, QueueName
from switchroom.runtime.clock import Clock
from switchroom.runtime.mailbox import Work
from telephony.call import Call
from telephony.legs import Consulted
from telephony.registry import CallRegistry
from telephony.softswitch.port import CallGone, Delivery, Softswitch, SwitchError

EFFECT_WITHIN_S = 3.0
CONSULT_RING_S = 30
"""How long the consulted agent's phone rings."""

_S = CallState


class TalkRequests:
    """Part of `cti_bridge.calls.port.CallCommands`.

    Each returns when the softswitch has taken it. UnknownContact if there is no such call; Refused if this agent does
    not have it, its state does not allow it, or the softswitch does not do it: then all stays as it is.
    """

    def __init__(
        self,
        calls: CallRegistry,
        switch: Softswitch,
        clock: Clock,
        new_offer_id: Callable[[], OfferId] = lambda: OfferId(uuid.uuid4().hex),
    ) -> None:
        self._calls, self._switch, self._clock, self._new_offer_id = calls, switch, clock, new_offer_id

    async def hang_up(self, contact_id: ContactId) -> None:
        """End the call now, in any state."""
        call = self._calls.known(contact_id)
        await self.ask(call, lambda: self._switch.hang_up(contact_id))

    async def hold(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """The caller hears music: `ContactHeld` follows."""
        await self._do(contact_id, agent_id, (_S.CONNECTED,), lambda call: self._switch.hold(contact_id))

    async def resume(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Back to the caller, out of a hold or a consultation: `ContactResumed` follows."""

        async def resume(call: Call) -> None:
            await self._switch.resume(contact_id)
            call.returning = call.state is _S.CONSULTING

        await self._do(contact_id, agent_id, (_S.HELD, _S.CONSULTING), resume)

    async def consult(self, contact_id: ContactId, agent_id: AgentId, consulted: AgentId, extension: Extension) -> None:
        """Call the other agent's phone while the caller hears music: `ConsultStarted` follows."""
        delivery = Delivery(
            offer_id=self._new_offer_id(), agent_id=consulted, extension=extension, ring_timeout_s=CONSULT_RING_S
        )
        if consulted == agent_id:
            raise Refused("Nobody consults themselves.")

        async def consult(call: Call) -> None:
            call.wanted = Consulted(consulted, delivery.offer_id)
            await self._switch.consult(contact_id, delivery)

        await self._do(contact_id, agent_id, (_S.CONNECTED, _S.HELD), consult)

    async def complete(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Hand the caller over to the agent who was consulted: `TalkEnded` and `ContactConnected` follow."""

        async def complete(call: Call) -> None:
            _must_have_answered(call)
            await self._switch.complete(contact_id)

        await self._do(contact_id, agent_id, (_S.CONSULTING,), complete)

    async def conference(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """The caller talks to both agents: `AgentJoined` follows."""

        async def conference(call: Call) -> None:
            _must_have_answered(call)
            await self._switch.conference(contact_id)

        await self._do(contact_id, agent_id, (_S.CONSULTING,), conference)

    async def transfer(self, contact_id: ContactId, agent_id: AgentId, queue: QueueName) -> None:
        """Send the caller back into line, for ``queue``, with what is known of them: `ContactTransferred` follows."""

        async def transfer(call: Call) -> None:
            before = call.waiting.requirements if call.waiting else Requirements(queue, tier=call.caller.tier)
            # Kept also when the softswitch does not answer: it may have done it all the same, and then tells.
            call.transfer_to = Waiting(call.ranked(for_queue(before, queue)), self._clock.now())
            await self._switch.transfer(contact_id, call.transfer_to)

        await self._do(contact_id, agent_id, (_S.CONNECTED, _S.HELD), transfer)

    async def _do(
        self,
        contact_id: ContactId,
        agent_id: AgentId,
        states: tuple[CallState, ...],
        command: Callable[[Call], Awaitable[None]],
    ) -> None:
        call = self._calls.known(contact_id)

        async def work() -> None:
            if call.state not in TALKING or call.agent_id != agent_id:
                raise Refused("The agent does not have this caller.")
            if call.state not in states:
                raise Refused(f"That is not possible now: the call is {call.state.value}.")
            now = self._clock.monotonic()
            if call.asked is not None and call.asked[0] == call.moves and now < call.asked[1]:
                raise Refused("The call is about to change already.")
            moves = call.moves
            await command(call)
            call.asked = (moves, now + EFFECT_WITHIN_S)

        await self.ask(call, work)

    async def ask(self, call: Call, work: Work) -> None:
        """Do ``work`` in the call's mailbox; UnknownContact when the caller is gone, Refused by the softswitch."""
        try:
            await self._calls.ask(call, work)
        except CallGone:
            raise UnknownContact(call.contact_id) from None
        except SwitchError as error:
            raise Refused("The softswitch does not answer; the call goes on.") from error


def _must_have_answered(call: Call) -> None:
    if call.second is None or call.legs.up_at(call.second.offer_id) is None:
        raise Refused("The other agent has not answered yet.")
