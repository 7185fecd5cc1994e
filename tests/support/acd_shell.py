"""The whole ACD under the state machine: the bus, the timers of a loop in virtual time, the delivery's port."""

import asyncio
import itertools
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from acd.config import AcdConfig, AgentConfig, QueueConfig
from acd.core import effects as ef
from acd.core import events as ev
from acd.core.core import Core
from acd.service import AcdService
from acd.translate import known_agent
from switchroom.domain import events as facts
from switchroom.domain.call import CallState
from switchroom.domain.contact import Outcome, Requirements, Waiting
from switchroom.domain.ids import AgentId, ContactId, OfferId
from switchroom.runtime.bus import Bus
from tests.support.acd_driver import Take
from tests.support.acd_world import PARAMETERS
from tests.support.brands import SHOP
from tests.support.virtual_time import START, VirtualClock, VirtualTimeLoop

CONFIG = AcdConfig(
    agents={
        agent_id: AgentConfig(name=agent.name, skills=agent.skills) for agent_id, agent in PARAMETERS.agents.items()
    },
    queues={
        name: QueueConfig.model_validate(
            {
                "title": {"en-US": name},
                "skills": queue.skills,
                "ring_timeout": f"{queue.offer_timeout_s:.0f}s",
                "wrap_up": f"{queue.wrap_up_s:.0f}s",
                "unserved_limit": f"{queue.unserved_limit_s:.0f}s",
            }
        )
        for name, queue in PARAMETERS.queues.items()
    },
    head_start={tier: timedelta(seconds=seconds) for tier, seconds in PARAMETERS.head_start.items()},
    fallback=PARAMETERS.fallback,
)


class HeldChannels:
    """`acd.channels.Channels` that rings when the machine says so."""

    def __init__(self) -> None:
        self.waiting: dict[OfferId, asyncio.Future[None]] = {}

    async def deliver(self, offer: facts.OfferMade) -> None:
        word = self.waiting[offer.offer_id] = asyncio.get_running_loop().create_future()
        try:
            await word
        finally:
            del self.waiting[offer.offer_id]

    def keep_requirements(self, contact_id: ContactId, requirements: Requirements) -> None:
        """What waits is told anew after a restart by the machine."""


class ShellDriver:
    """`tests.support.acd_machine.Driver` of an `AcdService`; what the core decides is listened to, not changed."""

    confirms = True

    def __init__(self, service: type[AcdService] = AcdService) -> None:
        self._service = service
        self._loop = VirtualTimeLoop()
        self._numbers = itertools.count(1)
        self._take: Take = lambda effects: None
        self._failure: BaseException | None = None
        self._told: dict[AgentId, facts.AgentStateChanged] = {}
        self._do(self._build())

    async def _build(self) -> None:
        driver = self

        class HeardCore(Core):
            def apply(self, event: ev.Event, now: float) -> list[ef.Effect]:
                effects = super().apply(event, now)
                driver.hear(effects)
                return effects

        self.bus, self.clock, self.channels = Bus(), VirtualClock(), HeldChannels()
        self.acd = self._service(
            CONFIG,
            self.bus,
            self.clock,
            self.channels,
            lambda: OfferId(f"o{next(self._numbers)}"),
            make_core=lambda _, new_id, now: HeardCore(PARAMETERS, new_id, now),
        )
        self.core = self.acd._core  # what holds is looked at inside
        self.bus.subscribe(facts.AgentStateChanged, self._keep)
        await self.acd.start()

    def _keep(self, event: facts.AgentStateChanged) -> None:
        self._told[event.agent_id] = event

    def hear(self, effects: list[ef.Effect]) -> None:
        try:
            self._take(effects)
        except BaseException as error:
            self._failure = self._failure or error  # a bus keeps errors to itself

    def now(self) -> float:
        return (START + timedelta(seconds=self._loop.time())).timestamp()

    def tell(self, event: ev.Event, take: Take) -> None:
        self._take = take
        self._do(self._tell(event))

    def sleep(self, seconds: float, take: Take) -> None:
        self._take = take
        self._do(asyncio.sleep(seconds))

    def restart(self, known: list[ev.KnownAgent]) -> None:
        states = {one.agent_id: (one.state, one.reason, one.contact_id, one.queue, one.requested) for one in known}
        kept = {
            e.agent_id: (e.state, e.reason, e.contact_id, e.queue, known_agent(e).requested)
            for e in self._told.values()
        }
        assert states == kept, "the ledger has another picture of the agents than the core"
        self._take = lambda effects: None
        self._do(self._restart())

    async def _restart(self) -> None:
        await self.acd.stop()
        await self._build()
        self.acd.restore(list(self._told.values()))

    def close(self) -> None:
        self._take = lambda effects: None
        self._failure = None
        self._do(self.acd.stop())
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        found = self._loop.run_until_complete(self._settled(work))
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        brought = self.channels.waiting.keys()
        assert brought <= {offer.id for offer in self.core.offers}, "an offer that is over is brought to its agent"
        return found

    async def _settled(self, work: Coroutine[Any, Any, Any]) -> Any:
        found = await work
        await self._loop.settle()
        return found

    async def _tell(self, event: ev.Event) -> None:
        match event:
            case ev.StateRequested(agent_id, what, reason):
                self.acd.request(agent_id, what, reason)
            case ev.DeskTaken(agent_id, extension):
                await self.acd.take_desk(agent_id, extension)
            case ev.ConsultRequested(contact_id, agent_id):
                await self.acd.reserve_consulted(agent_id, contact_id)
            case ev.ConsultRefused(contact_id, agent_id):
                self.acd.release_consulted(agent_id, contact_id)
            case ev.OfferDelivered(_, offer_id):
                assert offer_id in self.channels.waiting, "an offer is delivered that nobody brings"
                self.channels.waiting[offer_id].set_result(None)
            case _:
                self.bus.publish(self._event(event))

    def _event(self, event: ev.Event) -> facts.Event:
        now = self.clock.now()
        match event:
            case ev.ContactJoined(contact_id, needs, came):
                return facts.ContactQueued(at=now, contact_id=contact_id, requirements=needs, enqueued_at=_at(came))
            case ev.RequirementsChanged(contact_id, needs):
                why = facts.PlaceChange.TIER_LEARNED
                return facts.PlaceChanged(at=now, contact_id=contact_id, requirements=needs, enqueued_at=now, why=why)
            case ev.ContactLeft(contact_id, at):
                return facts.ContactEnded(at=_at(at), contact_id=contact_id, outcome=Outcome.ABANDONED)
            case ev.ConsultBegan(contact_id, agent_id):
                return facts.ConsultStarted(at=now, contact_id=contact_id, consulted=agent_id, **_QUESTION)
            case ev.ConsultAnswered(contact_id, agent_id, at):
                return facts.ConsultAnswered(at=_at(at), contact_id=contact_id, consulted=agent_id, **_QUESTION)
            case ev.ConsultOver(contact_id, agent_id, at):
                ending = facts.ConsultEnding.RETURNED
                return facts.ConsultEnded(
                    at=_at(at), contact_id=contact_id, consulted=agent_id, ending=ending, **_QUESTION
                )
            case ev.TalkEnded(contact_id, agent_id, at):
                return facts.TalkEnded(
                    at=_at(at), contact_id=contact_id, agent_id=agent_id, offer_id=OfferId("o"), began_at=_at(at)
                )
            case ev.OfferAccepted(contact_id, agent_id, at):
                return facts.ContactConnected(at=_at(at), contact_id=contact_id, agent_id=agent_id)
            case ev.OfferFailed(contact_id, offer_id, agent_id, failure):
                return facts.OfferFailed(
                    at=now, contact_id=contact_id, offer_id=offer_id, agent_id=agent_id, failure=failure
                )
            case ev.OfferFound(contact_id, offer_id, agent_id, needs, came):
                waiting = Waiting(needs, _at(came))
                return _adopted(now, contact_id, CallState.OFFERED, agent_id, offer_id=offer_id, waiting=waiting)
            case ev.TalkFound(contact_id, agent_id, _, since):
                return _adopted(now, contact_id, CallState.CONNECTED, agent_id, answered_at=_at(since))
            case ev.PhoneChanged(extension, registered):
                return facts.PhoneChanged(at=now, extension=extension, registered=registered)
            case ev.SwitchLost():
                return facts.SwitchLost(at=now)
            case ev.Reconciled(live, talking):
                return facts.Reconciled(at=now, live=live, talking=talking)
            case _:
                raise AssertionError(f"{type(event).__name__} is not told by the bus")


_QUESTION: dict[str, Any] = {"agent_id": AgentId("who asks"), "offer_id": OfferId("o")}


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _adopted(
    now: datetime, contact_id: ContactId, state: CallState, agent_id: AgentId, **more: Any
) -> facts.ContactAdopted:
    return facts.ContactAdopted(
        at=now,
        contact_id=contact_id,
        number="400",
        caller="",
        brand=SHOP.name,
        entered_at=now,
        state=state,
        agent_id=agent_id,
        **more,
    )
