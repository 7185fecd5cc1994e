"""``queue``: lets the caller wait for an agent."""

from collections.abc import Iterator, Mapping, Set
from typing import Annotated, ClassVar

from pydantic import Field

from ivr.language import templates
from ivr.language.hints import close_to, quoted
from ivr.language.parts import Filled, Text
from ivr.language.place import Place
from ivr.language.surroundings import Skills, Surroundings
from ivr.language.verb import Inputs, Picture, Verb, on
from ivr.machine.effects import Enqueue
from ivr.machine.inputs import PromptDone, Unspoken
from ivr.machine.state import Phase
from ivr.machine.step import Step
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.ids import QueueName
from switchroom.runtime.yamlfile import Finding, Loc

GIVE = "give it to an agent in agents.yaml, or ask for less"


class Queue(Verb):
    """Lets the caller wait for an agent: the flow ends here."""

    verb: ClassVar[str] = "queue"
    example: ClassVar[str] = """
returns:
  queue: returns                       # of queues.yaml
  skills: {"lang:{lang|base}": 1}      # what the agent must know besides, and how well
  say: {zh-CN: 正在为您转接。, en-US: Connecting you.}
"""

    strands: ClassVar[frozenset[str]] = frozenset({"IVR116", "IVR117"})

    queue: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    skills: Mapping[str, Annotated[int, Field(ge=1, le=10)]] = Field(
        default_factory=dict, description="What the agent must know, and how well; with holes, as `lang:{lang|base}`."
    )
    tier: Filled = "{caller.tier}"
    say: Text | None = None

    def texts(self) -> Iterator[tuple[Loc, Text]]:
        if self.say is not None:
            yield ("say",), self.say

    def filled(self) -> Iterator[tuple[Loc, str]]:
        yield ("tier",), self.tier
        for written in self.skills:
            yield ("skills", written), written

    def picture(self) -> Picture:
        return Picture("end", self.queue)

    # What it does

    def enter(self, step: Step) -> None:
        if self.say is None:
            self.leave(step)
        else:
            step.say(Phase.LEAVING, step.prompts(self.say))

    def said(self, step: Step, _: PromptDone) -> None:
        step.state.speaking = False
        self.leave(step)

    def unspoken(self, step: Step, _: Unspoken) -> None:
        """The word before is missing; the caller waits where the menu sends them all the same."""
        step.state.speaking = False
        self.leave(step)

    def leave(self, step: Step) -> None:
        values, language = step.values(), step.state.language
        written = templates.parse(self.tier)
        try:
            tier = CustomerTier(written.render(values, language))
        except ValueError:
            tier = step.state.caller.tier
        skills = {
            skill: level
            for template, level in ((templates.parse(skill), level) for skill, level in self.skills.items())
            if (skill := template.render(values, language)) and _may_be_asked(template, skill, step.flow.skills)
        }
        step.end(Enqueue(Requirements(QueueName(self.queue), skills, tier, written.static), step.collected()))

    inputs: ClassVar[Inputs] = dict(
        (on(Phase.LEAVING, PromptDone, said), on(Phase.LEAVING, Unspoken, unspoken)),
    )

    # How it is checked

    def lint(self, place: Place) -> Iterator[Finding]:
        """The queue is there (IVR116), and an agent has all that is asked for (IVR117)."""
        around = place.surroundings
        if around is None:
            return
        if self.queue not in around.queues:
            hint = close_to(self.queue, around.queues) or f"; there are {quoted(around.queues)}"
            yield place.finding(("queue",), "IVR116", f"queues.yaml has no queue `{self.queue}`{hint}")
            return
        reported: set[str] = set()
        for language in place.menus.languages:
            needed, missing = dict(around.queues[self.queue]), False
            for written, skill, level in self._asked(language):
                needed[skill] = max(level, needed.get(skill, 0))
                if _had(around, {skill: level}):
                    continue
                missing = True
                if skill not in reported:
                    reported.add(skill)
                    message = f"{_nobody(around, skill, level)}; {GIVE}"
                    yield place.finding(("skills", written), "IVR117", message)
            if not missing and not _had(around, needed):
                together = ", ".join(f"`{skill}` {level}" for skill, level in needed.items())
                if together not in reported:
                    reported.add(together)
                    message = f"no agent has all that is asked for here, the queue's own included ({together})"
                    yield place.finding(("queue",), "IVR117", f"{message}; {GIVE}")

    def _asked(self, language: str) -> Iterator[tuple[str, str, int]]:
        """What is known to be asked for in a language: (as written, skill, level)."""
        for written, level in self.skills.items():
            try:
                template = templates.parse(written)
            except templates.TemplateError:
                continue  # reported as such
            if template.names <= {"lang"} and (skill := template.render({"lang": language}, language)):
                yield written, skill, level


def _may_be_asked(written: templates.Template, skill: str, known: Set[str] | None) -> bool:
    """Whether it is a skill of the house: the log keeps for good what is asked for, so it may hold no name or number.

    What was made of a caller's values, or of what was looked up for them, is one if an agent has it.
    """
    ours = all(path[0] in ("lang", "brand") or path == ("caller", "tier") for path in written.paths)
    return ours or known is None or skill in known


def _had(around: Surroundings, needed: Skills) -> bool:
    """By one and the same agent."""
    return any(all(has.get(skill, 0) >= level for skill, level in needed.items()) for has in around.agents)


def _nobody(around: Surroundings, skill: str, level: int) -> str:
    best = max((has.get(skill, 0) for has in around.agents), default=0)
    if best:
        return f"no agent has the skill `{skill}` at level {level}, {best} is the best"
    hint = close_to(skill, {name for has in around.agents for name in has}).removeprefix("; ")
    return f"no agent has the skill `{skill}`" + (f" ({hint})" if hint else "")
