"""What supervisors write about agents and queues: ``dialplans/agents.yaml`` and ``dialplans/queues.yaml``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from switchroom.domain.contact import CustomerTier
from switchroom.domain.ids import AgentId, QueueName
from switchroom.runtime.durations import Duration
from switchroom.runtime.yamlfile import Finding, YamlError, load

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
    """An agent: a name, and skills with levels from 1 to 10."""

    name: str = Field(min_length=1, max_length=64)
    skills: Skills


class QueueConfig(_Model):
    """A queue: what every contact in it requires, how long a phone rings, how long an agent may write up."""

    title: Mapping[str, str]
    skills: Skills = Field(default_factory=dict)
    ring_timeout: Duration = timedelta(seconds=20)
    wrap_up: Duration = timedelta(seconds=30)
    unserved_limit: Duration = timedelta(seconds=60)
    """After so long a contact whom nobody on duty may serve goes to the fallback queue."""


class AgentsFile(_Model):
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


def load_config(dialplans: Path) -> AcdConfig:
    """Read both files; YamlError names each place that is wrong."""
    agents = load(dialplans / "agents.yaml", AgentsFile)
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
    )
