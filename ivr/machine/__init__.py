"""The interpreter of menus: pure, one caller at a time. (state, input) → (state, effects).

Nothing here waits, plays or listens; the session does what the effects say and tells what happened. An input
that the present phase has no use for is ignored: `HANDLERS` is the whole table.

Every caller arrives: questions give up after some failures, give-ups lead to an end (lint proves it), and two
counters bound what lint cannot see (``MAX_STRIDES`` and ``MAX_FAILURES`` in `ivr.machine.walk`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from ivr.language.flow import Flow
from ivr.machine import answers
from ivr.machine.effects import Effect, HandBack
from ivr.machine.inputs import (
    Digit,
    Found,
    Heard,
    Input,
    NotFound,
    NotUnderstood,
    PromptDone,
    SpeechStarted,
    TimedOut,
    Unavailable,
    Unspoken,
)
from ivr.machine.state import Phase, State
from ivr.machine.walk import Walk
from switchroom.domain.caller import Caller

__all__ = ["HANDLERS", "Phase", "State", "hand_back", "start", "step"]


def start(flow: Flow, caller: Caller) -> tuple[State, tuple[Effect, ...]]:
    """A caller enters the flow."""
    language = caller.language if caller.language in flow.languages else flow.languages[0]
    walk = Walk(flow, State(flow.menus.start, language or flow.languages[0], caller))
    walk.enter(flow.menus.start)
    return walk.state, tuple(walk.effects)


def step(flow: Flow, state: State, happened: Input) -> tuple[State, tuple[Effect, ...]]:
    """What follows from ``happened``."""
    handler = HANDLERS.get((state.phase, type(happened)))
    late = getattr(happened, "turn", state.turn) != state.turn or getattr(happened, "timer", state.timer) != state.timer
    unheard = isinstance(happened, SpeechStarted | Heard | NotUnderstood) and not state.listening
    if handler is None or late or unheard:
        return state, ()
    walk = Walk(flow, state)
    handler(walk, happened)
    return walk.state, tuple(walk.effects)


def hand_back(flow: Flow, state: State, reason: str) -> HandBack:
    """The end of a flow that cannot go on from ``state``."""
    return Walk(flow, state).hand_back(reason)


HANDLERS: Mapping[tuple[Phase, type[Input]], Callable[[Walk, Any], None]] = {
    (Phase.TELLING, Digit): answers.digit_while_telling,
    (Phase.TELLING, PromptDone): answers.told,
    (Phase.TELLING, Unspoken): answers.unspoken,
    (Phase.ASKING, Digit): answers.digit_while_asking,
    (Phase.ASKING, PromptDone): answers.asked_to_the_end,
    (Phase.ASKING, Unspoken): answers.unspoken,
    (Phase.ASKING, TimedOut): answers.timed_out,
    (Phase.ASKING, SpeechStarted): answers.speech_started,
    (Phase.ASKING, Heard): answers.heard,
    (Phase.ASKING, NotUnderstood): answers.not_understood,
    (Phase.CONFIRMING, Digit): answers.digit_while_confirming,
    (Phase.CONFIRMING, PromptDone): answers.asked_to_the_end,
    (Phase.CONFIRMING, Unspoken): answers.unspoken,
    (Phase.CONFIRMING, TimedOut): answers.timed_out,
    (Phase.CONFIRMING, SpeechStarted): answers.speech_started,
    (Phase.CONFIRMING, Heard): answers.heard_while_confirming,
    (Phase.CONFIRMING, NotUnderstood): answers.not_understood,
    (Phase.LOOKING_UP, Digit): answers.keep,
    (Phase.LOOKING_UP, Found): answers.found,
    (Phase.LOOKING_UP, NotFound): answers.not_found,
    (Phase.LOOKING_UP, Unavailable): answers.unavailable,
    (Phase.LEAVING, PromptDone): answers.said_last,
    (Phase.LEAVING, Unspoken): answers.unspoken,
}
