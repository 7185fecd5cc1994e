"""Inputs of a menu, as hypothesis draws them: first as words, which become inputs of the state that they meet."""

from hypothesis import strategies as st

from ivr.machine import State
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
)

KEYS = st.sampled_from("0123456789*#")


@st.composite
def received_inputs(draw: st.DrawFn) -> list[tuple[str, object]]:
    one = (
        st.tuples(st.just("key"), KEYS)
        | st.tuples(st.sampled_from(["done", "timeout", "noise", "found", "missing", "failed", "start"]), st.none())
        | st.tuples(st.just("heard"), st.sampled_from(["订单", "人工", "orders", "agent", "one two three four", "对"]))
    )
    return draw(st.lists(one, max_size=60))


def to_input(state: State, kind: str, value: object) -> Input:
    turn = state.turn
    made: dict[str, Input] = {
        "key": Digit(str(value)),
        "done": PromptDone(turn),
        "timeout": TimedOut(state.timer),
        "noise": NotUnderstood(turn),
        "found": Found(turn, {"status": "s", "total": 1.0}),
        "missing": NotFound(turn),
        "failed": Unavailable(turn),
        "start": SpeechStarted(turn),
        "heard": Heard(turn, str(value), 0.9),
    }
    return made[kind]
