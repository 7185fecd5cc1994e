"""One call placed by hand from the carrier's side: keys and words go out, what is heard is measured."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from demo.hearing import Packet, loudness_dbfs, sound_s
from demo.softphone import PhoneCall, Softphone, SoftphoneError

QUIET_S = 0.6
"""A prompt is over when nothing was heard for so long."""
LISTEN_S = 8.0
"""Then it is spoken or pressed over what is heard: music never ends."""

Ending = Literal["hung up by us", "hung up by the other side", "refused", "not answered"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do in the call: press each of the ``keys`` when the prompt before it is over, then ``say`` something."""

    keys: Sequence[str] = ()
    say: Path | None = None
    hold_s: float = 5.0
    """How long the line is held after that."""
    record: Path | None = None
    """Where what was heard is written, as WAV."""
    answer_within_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Sent:
    """Keys that were pressed, ``at_s`` after the answer."""

    at_s: float
    keys: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened. Times are in seconds; ``level_dbfs`` is the loudness of the sound, None if there was none."""

    number: str
    caller: str
    answered: bool
    status: int | None
    """The final SIP status."""
    answered_after_s: float | None
    talked_s: float
    heard_s: float
    level_dbfs: float | None
    longest_silence_s: float
    sent: Sequence[Sent]
    ending: Ending


def place(server: tuple[str, int], number: str, plan: Plan, *, caller: str, bind: str) -> Outcome:
    """Call ``number`` as ``caller`` from the address ``bind``. Raises OSError where that cannot be used."""
    with Softphone(server, caller, bind=bind) as phone:
        dialled = time.time()
        call = phone.call(number)
        try:
            call.wait_answered(plan.answer_within_s)
        except SoftphoneError:
            ending: Ending = "refused" if call.status is not None else "not answered"
            call.hang_up()
            return Outcome(number, caller, False, call.status, None, 0.0, 0.0, None, 0.0, (), ending)
        answered = time.time()
        sent = _carry_out(call, plan, answered)
        by_us = call.ended_at is None
        call.hang_up()
        packets = call.packets()
        if plan.record is not None:
            call.save_heard(plan.record)
    return Outcome(
        number=number,
        caller=caller,
        answered=True,
        status=call.status,
        answered_after_s=round(answered - dialled, 3),
        talked_s=round(time.time() - answered, 3),
        heard_s=round(sound_s(packets), 2),
        level_dbfs=loudness_dbfs(packets),
        longest_silence_s=round(_longest_silence_s(packets, answered), 2),
        sent=sent,
        ending="hung up by us" if by_us else "hung up by the other side",
    )


def _carry_out(call: PhoneCall, plan: Plan, answered: float) -> list[Sent]:
    sent: list[Sent] = []
    for keys in plan.keys:
        _listen(call)
        if call.ended_at is not None:
            break
        sent.append(Sent(round(time.time() - answered, 2), keys))
        call.press(keys)
        _wait(call, call.idle, 10.0)
    if plan.say is not None and call.ended_at is None:
        _listen(call)
        call.play(plan.say)
        _wait(call, call.idle, 600.0)
    _wait(call, lambda: False, plan.hold_s)
    return sent


def _listen(call: PhoneCall) -> None:
    """Until a prompt has been heard and is over."""
    since = time.time()

    def over() -> bool:
        audible = [packet.arrived_at for packet in call.packets() if packet.arrived_at > since and packet.audible]
        return bool(audible) and time.time() - audible[-1] > QUIET_S

    _wait(call, over, LISTEN_S)


def _wait(call: PhoneCall, holds: Callable[[], bool], within_s: float) -> None:
    """Until ``holds()``, the time is up, or the other side has hung up."""
    deadline = time.monotonic() + within_s
    while not holds() and call.ended_at is None and time.monotonic() < deadline:
        time.sleep(0.05)


def _longest_silence_s(packets: Sequence[Packet], since: float) -> float:
    """The longest time without sound between the answer and the last packet."""
    longest, silent_since = 0.0, since
    for packet in packets:
        if packet.audible:
            longest = max(longest, packet.arrived_at - silent_since)
            silent_since = packet.arrived_at + packet.seconds
    return max(longest, packets[-1].arrived_at - silent_since) if packets else 0.0
