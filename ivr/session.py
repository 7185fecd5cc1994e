"""Drives one caller: what is received goes into the machine, its effects are done.

All inputs pass one inbox, so the machine sees them one after the other; nothing slow holds it up. If anything
breaks, the caller waits in the fallback queue with what they have entered so far; if not even that can be had, the
connection is closed and the dialplan takes the caller: nobody is left in silence.
"""

import asyncio
import contextlib
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog

from ivr import machine
from ivr.language.flow import Flow
from ivr.machine import effects, inputs
from ivr.machine.effects import Effect
from ivr.machine.inputs import Input
from ivr.media.session import Closed, Digit, MediaClosed, MediaEvent, MediaSession, Played
from ivr.ports import CallControl, LookupFailed, Lookups
from ivr.replay import encode
from ivr.speech.listening import Recognisers, UtteranceListener
from ivr.speech.synthesis import Prompts
from switchroom.domain.caller import Caller
from switchroom.domain.errors import UnknownContact
from switchroom.runtime.background import BackgroundTasks

log = structlog.get_logger(__name__)


@lru_cache(maxsize=1024)
def _warn_of_condition(flow: str, version: str, node: str, condition: str) -> None:
    """Once for each version of a flow, not once a call: the cache remembers."""
    log.warning("flow.condition_of_wrong_type", flow=flow, version=version, node=node, condition=condition)


def _as_json(record: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The record, which is written down for the replay. Raises `LookupFailed`: it holds what JSON cannot hold."""
    try:
        json.dumps(record, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise LookupFailed("the record is not JSON") from error
    return record


class CallSession:
    """One caller in one flow, from the first prompt to the queue, the good-bye or the hang-up."""

    def __init__(
        self,
        caller: Caller,
        flow: Flow,
        media: MediaSession,
        calls: CallControl,
        lookups: Lookups,
        prompts: Prompts,
        recognisers: Recognisers,
    ) -> None:
        self._caller = caller
        self._contact_id = caller.contact_id
        self._flow = flow
        self._media = media
        self._calls = calls
        self._lookups = lookups
        self._prompts = prompts
        self._recognisers = recognisers
        self._inbox: asyncio.Queue[Input | Closed] = asyncio.Queue()
        self._tasks = BackgroundTasks()
        self._timer: asyncio.TimerHandle | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._listener: UtteranceListener | None = None
        self._over = False

    async def run(self) -> None:
        """Until the caller is handed on, or hangs up. The media connection is to be closed afterwards."""
        self._media.follow(self._received, self._audio)
        try:
            await self._converse()
        except MediaClosed:
            pass
        finally:
            self._forget_timer()
            self._listener = None
            await self._tasks.close()

    async def _converse(self) -> None:
        self._calls.flow_started(self._contact_id, self._flow.name, self._flow.version)
        state, todo = machine.start(self._flow, self._caller)
        try:
            await self._do(todo)
            while not self._over:
                received = await self._inbox.get()
                if isinstance(received, Closed):
                    self._record(machine.hung_up(state))
                    return
                state, todo = machine.step(self._flow, state, received)
                await self._do(todo)
        except MediaClosed:
            self._record(machine.hung_up(state))
            raise
        except Exception as error:
            if self._over:
                raise
            # The same would happen again at the same place: a person goes on from what was entered.
            # The text of the error is not logged: it may quote the caller.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            log.error(
                "session.failed",
                contact_id=self._contact_id,
                flow=self._flow.name,
                node=state.node,
                error=type(error).__name__,
                place=f"{Path(frame.filename).name}:{frame.lineno}",
            )
            await self._leave(machine.hand_back(self._flow, state, "failed"))

    def _received(self, event: MediaEvent) -> None:
        match event:
            case Digit(digit):
                self._inbox.put_nowait(inputs.Digit(digit))
            case Played(prompt):
                self._inbox.put_nowait(inputs.PromptDone(prompt))
            case Closed():
                self._inbox.put_nowait(event)

    def _audio(self, pcm: bytes) -> None:
        if self._listener is not None:
            self._listener.hear(pcm)

    async def _do(self, todo: tuple[Effect, ...]) -> None:
        for effect in todo:
            match effect:
                case effects.Say(turn, prompts):
                    await self._stop_prompt()
                    self._speaking = self._tasks.spawn(self._say(turn, prompts), name="ivr.say")
                case effects.StopPrompt():
                    await self._stop_prompt()
                case effects.Listen(turn, grammar):
                    await self._listen(turn, grammar)
                case effects.StopListening():
                    self._listener = None
                    await self._media.listen(False)
                case effects.StartTimer(timer, seconds):
                    self._start_timer(timer, seconds)
                case effects.LookUp():
                    self._tasks.spawn(self._look_up(effect), name="ivr.look_up")
                case effects.Visited(node):
                    self._calls.node_visited(self._contact_id, node)
                case effects.Taken(node, kind, value, confidence):
                    self._calls.input_taken(self._contact_id, node, kind, value, confidence)
                case effects.Recorded():
                    self._record((effect,))
                case effects.Resolved():
                    self._calls.resolved(self._contact_id)
                case effects.Undecided(node, condition):
                    _warn_of_condition(self._flow.name, self._flow.version, node, condition)
                case effects.Enqueue() | effects.Finish() | effects.HandBack():
                    await self._leave(effect)

    def _record(self, some: Sequence[effects.Recorded]) -> None:
        for one in some:
            written = encode(one)
            self._calls.menu_input(self._contact_id, written.number, written.kind, written.received)

    async def _say(self, turn: int, prompts: Sequence[effects.Prompt]) -> None:
        """In a task of its own: a key pressed while the voice is still at work acts at once."""
        try:
            pcm = await self._prompts.render(prompts)
        except Exception as error:
            log.error(
                "session.no_voice", contact_id=self._contact_id, flow=self._flow.name, reason=type(error).__name__
            )
            self._inbox.put_nowait(inputs.Unspoken(turn))
            return
        with contextlib.suppress(MediaClosed):  # `Closed` follows
            await self._media.play(turn, pcm)

    async def _stop_prompt(self) -> None:
        """Stop what is heard; what is still in the making is never heard."""
        if self._speaking is not None:
            self._speaking.cancel()
            self._speaking = None
        await self._media.stop_prompt()

    async def _listen(self, turn: int, grammar: effects.Grammar) -> None:
        self._listener = self._recognisers.listener(
            grammar,
            self._tasks,
            started=lambda: self._inbox.put_nowait(inputs.SpeechStarted(turn)),
            heard=lambda text, confidence: self._inbox.put_nowait(inputs.Heard(turn, text, confidence)),
            lost=lambda: self._inbox.put_nowait(inputs.NotUnderstood(turn)),
        )
        await self._media.listen(self._listener is not None)

    def _start_timer(self, timer: int, seconds: float) -> None:
        self._forget_timer()
        ring: Callable[[], None] = lambda: self._inbox.put_nowait(inputs.TimedOut(timer))  # noqa: E731
        self._timer = asyncio.get_running_loop().call_later(seconds, ring)

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def _look_up(self, asked: effects.LookUp) -> None:
        for attempt in range(asked.retries + 1):
            try:
                async with asyncio.timeout(asked.timeout_s):
                    record = _as_json(await self._lookups.look_up(asked.source, asked.arguments))
            except (LookupFailed, TimeoutError) as error:
                log.warning("dip.failed", source=asked.source, attempt=attempt, reason=type(error).__name__)
                continue
            except Exception:
                log.exception("dip.crashed", source=asked.source)
                break
            answer = inputs.NotFound(asked.turn) if record is None else inputs.Found(asked.turn, record)
            self._inbox.put_nowait(answer)
            return
        self._inbox.put_nowait(inputs.Unavailable(asked.turn))

    async def _leave(self, effect: effects.Enqueue | effects.Finish | effects.HandBack) -> None:
        self._over = True
        try:
            match effect:
                case effects.Enqueue(requirements, collected):
                    await self._calls.queue(self._contact_id, requirements, collected)
                case effects.Finish():
                    await self._calls.finish(self._contact_id)
                case effects.HandBack(reason, collected):
                    log.warning("session.handed_back", contact_id=self._contact_id, flow=self._flow.name, reason=reason)
                    await self._calls.fall_back(self._contact_id, collected)
        except UnknownContact:
            log.debug("session.caller_gone", contact_id=self._contact_id)
