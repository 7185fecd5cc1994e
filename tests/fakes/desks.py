"""An ACD, call control and menus that keep what they were asked, for tests of the API and of the desktop."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta

from cti_bridge.agents.port import RequestedState
from switchroom.domain.call import CallState
from switchroom.domain.contact import CustomerTier
from switchroom.domain.errors import Refused, UnknownAgent, UnknownContact
from switchroom.domain.events import AgentState, AgentStateChanged
from switchroom.domain.ids import AgentId, ContactId, Extension, QueueName, TeamName
from switchroom.domain.views import AgentView, CallView, FlowView, QueueView
from switchroom.runtime.bus import Bus
from switchroom.runtime.clock import Clock
from tests.support.brands import SHOP


class FakeAgentDesk:
    """Two agents and two queues; a state that is wished for is granted, unless ``refusal`` says why not."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self.refusal: str | None = None
        self.came: list[datetime] = []
        """Since when the contacts in line for returns wait."""
        self._agents = {
            AgentId(number): AgentView(
                id=AgentId(number),
                name=name,
                state=AgentState.LOGGED_OUT,
                reason=None,
                since=clock.now(),
                until=None,
                contact_id=None,
                skills={"returns": 9},
                queues=tuple(map(QueueName, queues)),
                phone_registered=True,
                team=TeamName(team),
            )
            for number, name, queues, team in (
                ("1001", "张敏", ("general", "returns"), "sales"),
                ("1002", "李娜", ("complaints",), "service"),
            )
        }

    def agents(self) -> Sequence[AgentView]:
        return list(self._agents.values())

    def agent(self, agent_id: AgentId) -> AgentView | None:
        return self._agents.get(agent_id)

    def queues_of(self, agent_id: AgentId) -> Sequence[QueueName]:
        return self._agents[agent_id].queues

    def queues(self) -> Sequence[QueueView]:
        titles = {
            "general": {"zh-CN": "人工服务", "en-US": "General service"},
            "returns": {"zh-CN": "退货退款", "en-US": "Returns and refunds"},
            "complaints": {"zh-CN": "投诉建议", "en-US": "Complaints"},
        }
        return [
            QueueView(
                name=QueueName(name),
                title=title,
                waiting=len(came := self.came if name == "returns" else []),
                oldest=min(came, default=None),
                unserved=0,
                agents_available=sum(agent.state is AgentState.AVAILABLE for agent in self._agents.values()),
                agents_logged_in=2,
            )
            for name, title in titles.items()
        ]

    def phones(self) -> Sequence[Extension]:
        return [Extension(number) for number in ("1001", "1002", "8001")]

    def sit(self, agent_id: AgentId) -> None:
        if self.refusal is not None:
            raise Refused(self.refusal)

    async def take_desk(self, agent_id: AgentId, extension: Extension) -> AgentView:
        moved = self._agents[agent_id] = dataclasses.replace(self._agents[agent_id], extension=extension)
        return moved

    async def reserve_consulted(self, agent_id: AgentId, contact_id: ContactId) -> Extension:
        agent = self._agents.get(agent_id)
        if agent is None:
            raise UnknownAgent(agent_id)
        if agent.extension is None or not agent.phone_registered:
            raise Refused(f"The phone of agent {agent_id} cannot be reached.")
        if agent.state in (AgentState.RESERVED, AgentState.BUSY):
            raise Refused(f"Agent {agent_id} is busy.")
        self.move(agent_id, AgentState.RESERVED, contact_id=contact_id)
        return agent.extension

    def release_consulted(self, agent_id: AgentId, contact_id: ContactId) -> None:
        self.move(agent_id, AgentState.AVAILABLE)

    def team(self, name: TeamName) -> frozenset[AgentId]:
        return frozenset(agent.id for agent in self._agents.values() if agent.team == name)

    async def set_state(self, agent_id: AgentId, state: RequestedState, reason: str | None) -> AgentView:
        if agent_id not in self._agents:
            raise UnknownAgent(agent_id)
        if self.refusal:
            raise Refused(self.refusal)
        return self.move(agent_id, AgentState(state), reason=reason)

    def move(
        self,
        agent_id: AgentId,
        state: AgentState,
        *,
        reason: str | None = None,
        contact_id: ContactId | None = None,
        wrap_up_s: float | None = None,
    ) -> AgentView:
        """Put the agent into ``state`` and say so on the bus."""
        now = self._clock.now()
        until = now + timedelta(seconds=wrap_up_s) if wrap_up_s is not None else None
        moved = dataclasses.replace(
            self._agents[agent_id], state=state, reason=reason, contact_id=contact_id, since=now, until=until
        )
        self._agents[agent_id] = moved
        self._bus.publish(
            AgentStateChanged(at=now, agent_id=agent_id, state=state, reason=reason, contact_id=contact_id, until=until)
        )
        return moved


class FakeCallDesk:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.hung_up: list[ContactId] = []
        self.transferred: list[tuple[ContactId, AgentId, QueueName]] = []
        self.asked: list[tuple[str, ContactId, AgentId, *tuple[str, ...]]] = []
        self.calls: dict[ContactId, CallView] = {}
        self.refusal: str | None = None

    def add(self, contact_id: ContactId, agent_id: AgentId | None, state: CallState | None = None) -> None:
        self.calls[contact_id] = CallView(
            contact_id=contact_id,
            number="4008123123",
            caller="13800138000",
            brand=SHOP.name,
            state=state or (CallState.CONNECTED if agent_id else CallState.QUEUED),
            entered_at=self._clock.now(),
            tier=CustomerTier.GOLD,
            queue=QueueName("returns"),
            agent_id=agent_id,
        )

    def live(self) -> Sequence[CallView]:
        return list(self.calls.values())

    def find(self, contact_id: ContactId) -> CallView | None:
        return self.calls.get(contact_id)

    async def hang_up(self, contact_id: ContactId) -> None:
        if self.refusal:
            raise Refused(self.refusal)
        if contact_id not in self.calls:
            raise UnknownContact(contact_id)
        self.hung_up.append(contact_id)

    async def transfer(self, contact_id: ContactId, agent_id: AgentId, queue: QueueName) -> None:
        self._ask("transfer", contact_id, agent_id, queue)
        self.transferred.append((contact_id, agent_id, queue))

    async def hold(self, contact_id: ContactId, agent_id: AgentId) -> None:
        self._ask("hold", contact_id, agent_id)

    async def resume(self, contact_id: ContactId, agent_id: AgentId) -> None:
        self._ask("resume", contact_id, agent_id)

    async def consult(self, contact_id: ContactId, agent_id: AgentId, consulted: AgentId, extension: Extension) -> None:
        self._ask("consult", contact_id, agent_id, consulted, extension)

    async def complete(self, contact_id: ContactId, agent_id: AgentId) -> None:
        self._ask("complete", contact_id, agent_id)

    async def conference(self, contact_id: ContactId, agent_id: AgentId) -> None:
        self._ask("conference", contact_id, agent_id)

    def _ask(self, what: str, contact_id: ContactId, agent_id: AgentId, *more: str) -> None:
        if self.refusal:
            raise Refused(self.refusal)
        if contact_id not in self.calls:
            raise UnknownContact(contact_id)
        self.asked.append((what, contact_id, agent_id, *more))


class FakeFlowDesk:
    def flows(self) -> Sequence[FlowView]:
        return [FlowView(name="shop-400", numbers=("4008123123",), version="abc", error=None)]
