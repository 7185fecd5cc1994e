"""What supervisors write about agents and queues: ``dialplans/agents.yaml`` and ``dialplans/queues.yaml``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from acd.core.parameters import AgentParameters, Parameters, QueueParameters
from switchroom.domain.contact import CustomerTier
from switchroom.domain.ids import AgentId, Extension, QueueName, TeamName
from switchroom.runtime.durations import Duration
from switchroom.runtime.yamlfile import Document, Finding, YamlError, load

Level = Annotated[int, Field(ge=1, le=10)]
Skills = Mapping[str, Level]


def _named(pattern: str, rule: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"`{text}` is not allowed here: {rule}")
        return text

    return AfterValidator(check)


Number = Annotated[str, _named(r"[0-9]{2,10}", "an agent's number is 2 to 10 digits")]
Name = Annotated[str, _named(r"[a-z][a-z0-9_-]{0,31}", "a queue's name is lower-case letters, digits, - and _")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AgentConfig(_Model):
    """An agent: a name, skills with levels from 1 to 10, and the team, if they belong to one."""

    name: str = Field(min_length=1, max_length=64)
    skills: Skills
    team: Name | None = None
    desk: Number | None = None
    """The phone where they sit, unless they choose another at login; their own number without it."""


class QueueConfig(_Model):
    """A queue: what every contact in it requires, how long a phone rings, how long an agent may write up."""

    title: Mapping[str, str]
    skills: Skills = Field(default_factory=dict)
    ring_timeout: Duration = timedelta(seconds=20)
    wrap_up: Duration = timedelta(seconds=30)
    unserved_limit: Duration = timedelta(seconds=60)
    """After so long a contact whom nobody on duty may serve goes to the fallback queue."""


class TeamConfig(_Model):
    """A team of agents, with its name in each language."""

    title: Mapping[str, str]


class AgentsFile(_Model):
    teams: Mapping[Name, TeamConfig] = Field(default_factory=dict)
    phones: tuple[Number, ...] = ()
    """Phones of the house besides those of the agents' own numbers."""
    agents: Mapping[Number, AgentConfig]


class QueuesFile(_Model):
    fallback: Name
    """The queue of callers whom no menu could ask."""
    head_start: Mapping[CustomerTier, Duration] = Field(default_factory=dict)
    """How much earlier than they did a tier's customers count as having come: the most that priority costs others."""
    queues: Mapping[Name, QueueConfig]


@dataclass(frozen=True, slots=True)
class AcdConfig:
    """Both files, checked against each other."""

    agents: Mapping[AgentId, AgentConfig]
    queues: Mapping[QueueName, QueueConfig]
    head_start: Mapping[CustomerTier, timedelta]
    fallback: QueueName
    teams: Mapping[TeamName, TeamConfig] = field(default_factory=dict)
    further_phones: tuple[Extension, ...] = ()

    @property
    def phones(self) -> tuple[Extension, ...]:
        """Every phone of the house: the agents' own numbers first, then the desks that are given to them."""
        desks = (Extension(agent.desk) for agent in self.agents.values() if agent.desk is not None)
        return tuple(dict.fromkeys((*map(Extension, self.agents), *desks, *self.further_phones)))

    def parameters(self) -> Parameters:
        """What the core needs of it."""
        return Parameters(
            agents={
                agent_id: AgentParameters(
                    agent.name,
                    agent.skills,
                    TeamName(agent.team) if agent.team else None,
                    Extension(agent.desk or agent_id),
                )
                for agent_id, agent in self.agents.items()
            },
            queues={
                name: QueueParameters(
                    skills=queue.skills,
                    offer_timeout_s=queue.ring_timeout.total_seconds(),
                    wrap_up_s=queue.wrap_up.total_seconds(),
                    unserved_limit_s=queue.unserved_limit.total_seconds(),
                )
                for name, queue in self.queues.items()
            },
            fallback=self.fallback,
            head_start={tier: start.total_seconds() for tier, start in self.head_start.items()},
        )


def load_config(dialplans: Path) -> AcdConfig:
    """Read both files; YamlError names each place that is wrong."""
    agents = load(dialplans / "agents.yaml", AgentsFile)
    _check_agents(agents, dialplans / "agents.yaml")
    queues = load(dialplans / "queues.yaml", QueuesFile)
    file = queues.model
    if file.fallback not in file.queues:
        line, col = queues.position("fallback")
        known = ", ".join(file.queues)
        text = f"the fallback queue `{file.fallback}` is not among the queues ({known})"
        raise YamlError([Finding(str(dialplans / "queues.yaml"), line, col, "ACD001", text)])
    return AcdConfig(
        agents={AgentId(number): agent for number, agent in agents.model.agents.items()},
        queues={QueueName(name): queue for name, queue in file.queues.items()},
        head_start=file.head_start,
        fallback=QueueName(file.fallback),
        further_phones=tuple(map(Extension, agents.model.phones)),
        teams={TeamName(name): team for name, team in agents.model.teams.items()},
    )


def _check_agents(agents: Document[AgentsFile], path: Path) -> None:
    known = agents.model.teams
    taken: dict[str, str] = {}
    findings = []
    for number, agent in agents.model.agents.items():
        if agent.team is not None and agent.team not in known:
            line, col = agents.position("agents", number, "team")
            text = f"the team `{agent.team}` is not among the teams ({', '.join(known)})"
            findings.append(Finding(str(path), line, col, "ACD002", text))
        desk = agent.desk or number
        if taken.setdefault(desk, number) != number:
            line, col = agents.position("agents", number)
            text = f"the desk {desk} is that of agent {taken[desk]}: give one of the two another `desk`"
            findings.append(Finding(str(path), line, col, "ACD003", text))
    if findings:
        raise YamlError(findings)
