"""The load of the benchmarks: agents in skill profiles, kinds of contacts; the same for every side of a comparison."""

import random
from collections.abc import Mapping

from acd.core.parameters import AgentParameters, Parameters, QueueParameters
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.ids import AgentId, QueueName

SKILLS = [f"s{number}" for number in range(12)]
PROFILES, KINDS = 120, 174
QUEUE = QueueName("q")
HEAD_START_S = {CustomerTier.GOLD: 60.0, CustomerTier.PLATINUM: 120.0}


class Load:
    """``agents`` agents in 120 skill profiles, and 174 kinds of contacts, repeatable by ``seed``."""

    def __init__(self, agents: int, seed: int = 1) -> None:
        dice = self.dice = random.Random(seed)  # noqa: S311  # a repeatable load, no secret
        profiles = [{s: dice.randint(1, 10) for s in dice.sample(SKILLS, dice.randint(2, 6))} for _ in range(PROFILES)]
        self.skills_of: Mapping[AgentId, Mapping[str, int]] = {
            AgentId(f"{10000 + number}"): profiles[number % PROFILES] for number in range(agents)
        }
        self.agents = list(self.skills_of)
        self.kinds = [self._kind() for _ in range(KINDS)]

    def _kind(self) -> Requirements:
        """What at least one agent can serve."""
        able = self.skills_of[self.dice.choice(self.agents)]
        needed = self.dice.sample(sorted(able), self.dice.randint(1, 2))
        skills = {skill: self.dice.randint(1, min(4, able[skill])) for skill in needed}
        return Requirements(QUEUE, skills, self.dice.choice(list(CustomerTier)))

    def parameters(self) -> Parameters:
        return Parameters(
            agents={agent_id: AgentParameters(agent_id, skills) for agent_id, skills in self.skills_of.items()},
            queues={QUEUE: QueueParameters()},
            fallback=QUEUE,
            head_start=HEAD_START_S,
        )
