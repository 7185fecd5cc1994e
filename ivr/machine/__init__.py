"""The interpreter of menus: pure, one caller at a time. (state, input) → (state, effects).

Nothing here waits, plays or listens; the session does what the effects say and reports what was received. What an
input means is in two tables: the present node's verb has one (`Verb.inputs`), and `GENERAL` holds for all verbs. An
input that is in neither, in the present phase, is ignored.

Every caller arrives: questions give up after some failures, give-ups lead to an end (lint proves it), and counters
bound what lint cannot see (``MAX_…`` in `ivr.machine.step`).
"""

from typing import Any

from ivr.language.flow import Flow
from ivr.language.verb import Handler, Inputs, on
from ivr.machine.effects import Effect, HandBack, Recorded
from ivr.machine.inputs import Digit, Heard, Input, NotUnderstood, PromptDone, SpeechStarted, Unspoken
from ivr.machine.state import Frame, Phase, State
from ivr.machine.step import Step, unused_keys
from switchroom.domain.caller import Caller

__all__ = ["GENERAL", "Phase", "State", "hand_back", "handler", "hung_up", "start", "step"]


def start(flow: Flow, caller: Caller) -> tuple[State, tuple[Effect, ...]]:
    """A caller enters the flow."""
    language = caller.language if caller.language in flow.languages else flow.languages[0]
    first = flow.menus.start
    begun = Step(flow, State((Frame(first),), language or flow.languages[0], caller))
    begun.go(first)
    return begun.state, tuple(begun.effects)


def step(flow: Flow, state: State, received: Input) -> tuple[State, tuple[Effect, ...]]:
    """What follows from an input."""
    does = handler(flow, state, received)
    late = getattr(received, "turn", state.turn) != state.turn or getattr(received, "timer", state.timer) != state.timer
    unheard = isinstance(received, SpeechStarted | Heard | NotUnderstood) and not state.listening
    if does is None or late or unheard:
        return state, ()
    taken = Step(flow, state, received)
    taken.state.received += 1
    does(taken.node, taken, received)
    taken.record()
    return taken.state, tuple(taken.effects)


def handler(flow: Flow, state: State, received: Input) -> Handler | None:
    """What an input means in a state; None where it is ignored."""
    key = (state.phase, type(received))
    return flow.node(state.frame.node, state.frame.scope).inputs.get(key) or GENERAL.get(key)


def hand_back(flow: Flow, state: State, reason: str) -> HandBack:
    """The end of a flow that cannot go on from ``state``."""
    return Step(flow, state).hand_back(reason)


def hung_up(state: State) -> tuple[Recorded, ...]:
    """The caller is gone: the records that are still due."""
    return tuple(unused_keys(state))


def _key_while_telling(node: Any, step: Step, received: Digit) -> None:
    step.keep(received)
    if step.state.typed and node.interruptible:
        step.stop_prompt()
        node.heard(step)
        step.go(step.state.goes_to)


def _heard_to_the_end(node: Any, step: Step, _: PromptDone) -> None:
    step.state.speaking = False
    node.heard(step)
    step.go(step.state.goes_to)


def _keep(_: Any, step: Step, received: Digit) -> None:
    step.keep(received)


def _unspoken(_: Any, step: Step, __: Unspoken) -> None:
    """Nobody is left in silence: the caller waits for a person."""
    step.state.speaking = False
    step.end(step.hand_back("no voice"))


GENERAL: Inputs = dict(
    (
        on(Phase.TELLING, Digit, _key_while_telling),
        on(Phase.TELLING, PromptDone, _heard_to_the_end),
        on(Phase.WAITING, Digit, _keep),
        *(on(phase, Unspoken, _unspoken) for phase in Phase if phase not in (Phase.WAITING, Phase.ENDED)),
    )
)
"""What inputs mean to every verb that has no meaning of its own for them."""
