"""Drives one caller: what happens goes into the machine, what the machine wants is done.

All happenings pass one inbox, so the machine sees them one after the other; nothing slow holds it up. If anything
breaks, the caller waits in the fallback queue with what they have entered so far; if not even that can be had, the
connection is closed and the dialplan takes the caller: nobody is left in silence.
"""

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import structlog

from ivr import machine
from ivr.language.flow import Flow
from ivr.machine import effects, inputs
from ivr.machine.effects import Effect
from ivr.machine.inputs import Input
from ivr.media.session import Closed, Digit, Happening, MediaClosed, MediaSession, Played
from ivr.ports import CallControl, DipFailed, Dips
from ivr.speech.listening import Ear, Recognisers
from ivr.speech.synthesis import Prompts
from switchroom.domain.caller import Caller
from switchroom.domain.errors import UnknownContact
from switchroom.runtime.background import BackgroundTasks

log = structlog.get_logger(__name__)


@lru_cache(maxsize=1024)
def _warn_of_condition(flow: str, version: str, node: str, condition: str) -> None:
    """Once for each version of a flow, not once a call: the cache remembers."""
    log.warning("flow.condition_of_wrong_type", flow=flow, version=version, node=node, condition=condition)


class CallSession:
    """One caller in one flow, from the first prompt to the queue, the good-bye or the hang-up."""

    def __init__(
        self,
        caller: Caller,
        flow: Flow,
        media: MediaSession,
        calls: CallControl,
        dips: Dips,
        prompts: Prompts,
        recognisers: Recognisers,
    ) -> None:
        self._caller = caller
        self._contact_id = caller.contact_id
        self._flow = flow
        self._media = media
        self._calls = calls
        self._dips = dips
        self._prompts = prompts
        self._recognisers = recognisers
        self._inbox: asyncio.Queue[Input | Closed] = asyncio.Queue()
        self._tasks = BackgroundTasks()
        self._timer: asyncio.TimerHandle | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._ear: Ear | None = None
        self._over = False

    async def run(self) -> None:
        """Until the caller is handed on, or hangs up. The media connection is to be closed afterwards."""
        self._media.follow(self._happened, self._audio)
        try:
            await self._converse()
        except MediaClosed:
            pass
        finally:
            self._forget_timer()
            self._ear = None
            await self._tasks.close()

    async def _converse(self) -> None:
        self._calls.flow_started(self._contact_id, self._flow.name, self._flow.version)
        state, wanted = machine.start(self._flow, self._caller)
        try:
            await self._do(wanted)
            while not self._over:
                happened = await self._inbox.get()
                if isinstance(happened, Closed):
                    return
                state, wanted = machine.step(self._flow, state, happened)
                await self._do(wanted)
        except MediaClosed:
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

    def _happened(self, happening: Happening) -> None:
        match happening:
            case Digit(digit):
                self._inbox.put_nowait(inputs.Digit(digit))
            case Played(prompt):
                self._inbox.put_nowait(inputs.PromptDone(prompt))
            case Closed():
                self._inbox.put_nowait(happening)

    def _audio(self, pcm: bytes) -> None:
        if self._ear is not None:
            self._ear.hear(pcm)

    async def _do(self, wanted: tuple[Effect, ...]) -> None:
        for effect in wanted:
            match effect:
                case effects.Say(turn, prompts):
                    await self._hush()
                    self._speaking = self._tasks.spawn(self._say(turn, prompts), name="ivr.say")
                case effects.Hush():
                    await self._hush()
                case effects.Listen(turn, grammar):
                    await self._listen(turn, grammar)
                case effects.StopListening():
                    self._ear = None
                    await self._media.listen(False)
                case effects.StartTimer(timer, seconds):
                    self._start_timer(timer, seconds)
                case effects.LookUp():
                    self._tasks.spawn(self._look_up(effect), name="ivr.look_up")
                case effects.Visited(node):
                    self._calls.node_visited(self._contact_id, node)
                case effects.Taken(node, kind, value, confidence):
                    self._calls.input_taken(self._contact_id, node, kind, value, confidence)
                case effects.Resolved():
                    self._calls.resolved(self._contact_id)
                case effects.Undecided(node, condition):
                    _warn_of_condition(self._flow.name, self._flow.version, node, condition)
                case effects.Enqueue() | effects.Finish() | effects.HandBack():
                    await self._leave(effect)

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

    async def _hush(self) -> None:
        """Stop what is heard; what is still in the making is never heard."""
        if self._speaking is not None:
            self._speaking.cancel()
            self._speaking = None
        await self._media.hush()

    async def _listen(self, turn: int, grammar: effects.Grammar) -> None:
        self._ear = self._recognisers.ear(
            grammar,
            self._tasks,
            started=lambda: self._inbox.put_nowait(inputs.SpeechStarted(turn)),
            heard=lambda text, confidence: self._inbox.put_nowait(inputs.Heard(turn, text, confidence)),
            lost=lambda: self._inbox.put_nowait(inputs.NotUnderstood(turn)),
        )
        await self._media.listen(self._ear is not None)

    def _start_timer(self, timer: int, seconds: float) -> None:
        self._forget_timer()
        ring: Callable[[], None] = lambda: self._inbox.put_nowait(inputs.TimedOut(timer))  # noqa: E731
        self._timer = asyncio.get_running_loop().call_later(seconds, ring)

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def _look_up(self, wanted: effects.LookUp) -> None:
        for attempt in range(wanted.retries + 1):
            try:
                async with asyncio.timeout(wanted.timeout_s):
                    record = await self._dips.look_up(wanted.source, wanted.arguments)
            except (DipFailed, TimeoutError) as error:
                log.warning("dip.failed", source=wanted.source, attempt=attempt, reason=type(error).__name__)
                continue
            except Exception:
                log.exception("dip.crashed", source=wanted.source)
                break
            found = inputs.NotFound(wanted.turn) if record is None else inputs.Found(wanted.turn, record)
            self._inbox.put_nowait(found)
            return
        self._inbox.put_nowait(inputs.Unavailable(wanted.turn))

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
