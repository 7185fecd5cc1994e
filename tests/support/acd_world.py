"""What surrounds the ACD in its stateful tests: contacts, phones and agents as the softswitch and the people see them.

It survives a restart of the ACD, and goes on while the softswitch cannot be heard.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from acd.core.parameters import AgentParameters, Parameters, QueueParameters
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.ids import AgentId, ContactId, Extension, OfferId, QueueName

ANN, BOB, EVE = AgentId("1001"), AgentId("1002"), AgentId("1003")
GENERAL, RETURNS = QueueName("general"), QueueName("returns")
HEAD_START_S: Mapping[CustomerTier, float] = {CustomerTier.GOLD: 60.0}
PARAMETERS = Parameters(
    agents={
        ANN: AgentParameters("Ann", {"general": 5, "returns": 5}),
        BOB: AgentParameters("Bob", {"general": 5, "returns": 9}),
        EVE: AgentParameters("Eve", {"general": 5, "yue": 3}),
    },
    queues={
        GENERAL: QueueParameters(skills={"general": 1}, unserved_limit_s=60),
        RETURNS: QueueParameters(skills={"returns": 1}, offer_timeout_s=15, wrap_up_s=10, unserved_limit_s=40),
    },
    fallback=GENERAL,
    head_start=HEAD_START_S,
)
KINDS = [(GENERAL, {}), (GENERAL, {"yue": 2}), (RETURNS, {}), (RETURNS, {"returns": 9})]
"""Queues and skills of the contacts that come."""


def place(enqueued_at: float, tier: CustomerTier) -> float:
    """Whose turn it is, said once more, so that a wrong rule is found."""
    return enqueued_at - HEAD_START_S.get(tier, 0.0)


def required(needs: Requirements) -> dict[str, int]:
    """What an agent must know, with what the queue requires."""
    skills = dict(needs.skills)
    for skill, level in PARAMETERS.queues[needs.queue].skills.items():
        skills[skill] = max(level, skills.get(skill, 0))
    return skills


def is_able(agent_id: AgentId, needs: Requirements) -> bool:
    known = PARAMETERS.agents[agent_id].skills
    return all(known.get(skill, 0) >= level for skill, level in required(needs).items())


def fitness(agent_id: AgentId, needs: Requirements) -> int:
    return sum(PARAMETERS.agents[agent_id].skills[skill] for skill in required(needs))


@dataclass(frozen=True)
class Waits:
    """The caller hears music."""


@dataclass(frozen=True)
class Rings:
    agent_id: AgentId
    offer_id: OfferId


@dataclass(frozen=True)
class Talks:
    agent_id: AgentId
    since: float


@dataclass(frozen=True)
class PastTalk:
    agent_id: AgentId
    ended_at: float


@dataclass
class Second:
    """The agent who is asked about a contact, or talks along; ``number`` is one for each question."""

    agent_id: AgentId
    number: int
    phase: Literal["rings", "talks", "joined"] = "rings"


@dataclass
class LiveContact:
    id: ContactId
    needs: Requirements
    enqueued_at: float
    phase: Waits | Rings | Talks = field(default_factory=Waits)
    talks: list[PastTalk] = field(default_factory=list)
    """Those that are over: a contact that is transferred goes on."""
    talks_told: int = 0
    """How many of them the ACD that runs now was told of."""
    second: Second | None = None
    told_second: Second | None = None
    """As the ACD that runs now was told."""

    def ask_for(self, tier: CustomerTier) -> Requirements:
        self.needs = dataclasses.replace(self.needs, tier=tier)
        return self.needs


class World:
    def __init__(self) -> None:
        self.contacts: dict[ContactId, LiveContact] = {}
        self.phones: dict[Extension, bool] = {}

    def phase(self, contact_id: ContactId) -> Waits | Rings | Talks | None:
        contact = self.contacts.get(contact_id)
        return contact.phase if contact else None

    def ringing(self) -> list[LiveContact]:
        return [contact for contact in self.contacts.values() if isinstance(contact.phase, Rings)]

    def talking(self) -> list[LiveContact]:
        return [contact for contact in self.contacts.values() if isinstance(contact.phase, Talks)]

    def alone(self) -> list[LiveContact]:
        """Who talk to one agent, who has asked nobody."""
        return [contact for contact in self.talking() if contact.second is None]

    def asking(self, *phases: str) -> list[LiveContact]:
        return [one for one in self.contacts.values() if one.second is not None and one.second.phase in phases]

    def second_in(self, agent_id: AgentId) -> LiveContact | None:
        """The contact about which they are asked, or in which they talk along."""
        return next((c for c in self.contacts.values() if c.second and c.second.agent_id == agent_id), None)

    def is_busy(self, agent_id: AgentId) -> bool:
        """Whether their phone rings, or is in a talk: it takes no other call."""
        return self.second_in(agent_id) is not None or any(
            contact.phase.agent_id == agent_id
            for contact in self.contacts.values()
            if not isinstance(contact.phase, Waits)
        )
