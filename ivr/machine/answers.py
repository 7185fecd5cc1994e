"""What each input means to a walk. Which of these is asked, in which phase, is the machine's table."""

from ivr.language import models, spoken
from ivr.machine.effects import Taken
from ivr.machine.inputs import (
    Digit,
    Found,
    Heard,
    NotFound,
    NotUnderstood,
    PromptDone,
    SpeechStarted,
    TimedOut,
    Unavailable,
    Unspoken,
)
from ivr.machine.state import Phase
from ivr.machine.walk import Walk
from switchroom.domain.events import InputKind

MAX_TYPED = 64
"""Keys kept ahead; more is a fax machine or a child."""
SPEECH_WITHIN_S = 15.0
"""From the first sound to the result, at most: an utterance is cut before, and a recogniser has a deadline."""


def _asked(walk: Walk) -> models.Menu | models.Collect:
    node = walk.flow.node(walk.state.node)
    assert isinstance(node, models.Menu | models.Collect)  # only these lead to ASKING and CONFIRMING
    return node


def keep(walk: Walk, happened: Digit) -> None:
    if happened.digit == walk.state.swallow:
        walk.change(swallow="")
    elif len(walk.state.typed) < MAX_TYPED:
        walk.change(typed=walk.state.typed + happened.digit, swallow="")


def digit_while_telling(walk: Walk, happened: Digit) -> None:
    keep(walk, happened)
    if walk.state.typed and walk.interruptible:
        walk.hush()
        walk.been_told()
        walk.enter(walk.state.goes_to)


def digit_while_asking(walk: Walk, happened: Digit) -> None:
    node = _asked(walk)
    before = walk.state.typed
    keep(walk, happened)
    if walk.state.typed != before and (not walk.state.speaking or walk.flow.listen(node).barge_in):
        walk.hush()
        walk.use_typed(node)


def digit_while_confirming(walk: Walk, happened: Digit) -> None:
    node = _asked(walk)
    assert isinstance(node, models.Collect)
    if happened.digit == walk.state.swallow:
        walk.change(swallow="")
        return
    walk.change(swallow="")
    walk.hush()
    _confirmed(walk, node, {"1": True, "2": False, "*": False}.get(happened.digit))


def _confirmed(walk: Walk, node: models.Collect, right: bool | None) -> None:
    if right is None:
        walk.miss(node, silent=False)
        return
    pending = walk.state.pending
    assert pending is not None
    walk.stop_listening()
    if right:
        walk.accept(pending)
        walk.enter(walk.way_on(node))
    else:
        walk.change(phase=Phase.ASKING)
        walk.miss(node, silent=False)


def asked_to_the_end(walk: Walk, _: PromptDone) -> None:
    node = _asked(walk)
    walk.change(speaking=False)
    if walk.state.phase is Phase.ASKING and walk.state.typed:
        walk.use_typed(node)  # typed during a prompt that could not be interrupted
    elif walk.state.phase is Phase.ASKING:
        walk.wait(node)
    else:
        walk.start_timer(walk.flow.listen(node).timeout.total_seconds())


def timed_out(walk: Walk, _: TimedOut) -> None:
    node = _asked(walk)
    if walk.state.digits and isinstance(node, models.Collect) and walk.state.phase is Phase.ASKING:
        walk.complete(node, walk.state.digits, InputKind.DTMF)
    else:
        walk.miss(node, silent=True)


def speech_started(walk: Walk, _: SpeechStarted) -> None:
    walk.hush()
    walk.start_timer(SPEECH_WITHIN_S)


def heard(walk: Walk, happened: Heard) -> None:
    node = _asked(walk)
    walk.hush()
    key = walk.spoken_choices(node).get(happened.text)
    if happened.confidence < walk.flow.listen(node).min_confidence:
        walk.miss(node, silent=False)
    elif key is not None:
        taken = Taken(walk.state.node, InputKind.SPEECH, happened.text, happened.confidence)
        walk.choose(node, key, taken)
    elif isinstance(node, models.Collect) and node.digits.speech:
        digits = spoken.heard_digits(happened.text, walk.state.language) or ""
        walk.complete(node, digits, InputKind.SPEECH, happened.confidence)
    else:
        walk.miss(node, silent=False)


def heard_while_confirming(walk: Walk, happened: Heard) -> None:
    node = _asked(walk)
    assert isinstance(node, models.Collect)
    walk.hush()
    base = spoken.base(walk.state.language)
    sure = happened.confidence >= walk.flow.listen(node).min_confidence
    yes = sure and happened.text in spoken.YES.get(base, ())
    no = sure and happened.text in spoken.NO.get(base, ())
    _confirmed(walk, node, yes if yes or no else None)


def not_understood(walk: Walk, _: NotUnderstood) -> None:
    walk.miss(_asked(walk), silent=False)


def told(walk: Walk, _: PromptDone) -> None:
    walk.change(speaking=False)
    walk.been_told()
    walk.enter(walk.state.goes_to)


def unspoken(walk: Walk, _: Unspoken) -> None:
    """Nobody is left in silence: the caller waits for a person, where the menu would have sent them or the fallback."""
    walk.change(speaking=False)
    if isinstance(walk.flow.node(walk.state.node), models.Queue):
        walk.leave()
    else:
        walk.end(walk.hand_back("no voice"))


def said_last(walk: Walk, _: PromptDone) -> None:
    walk.change(speaking=False)
    walk.been_told()
    walk.leave()


def found(walk: Walk, happened: Found) -> None:
    node = walk.flow.node(walk.state.node)
    assert isinstance(node, models.Lookup)
    walk.remember(node.into, dict(happened.record), secret=False)
    walk.exit(node.ok)


def not_found(walk: Walk, _: NotFound) -> None:
    node = walk.flow.node(walk.state.node)
    assert isinstance(node, models.Lookup)
    walk.exit(node.not_found)


def unavailable(walk: Walk, _: Unavailable) -> None:
    node = walk.flow.node(walk.state.node)
    assert isinstance(node, models.Lookup)
    walk.exit(node.error)
