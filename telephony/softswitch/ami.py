"""The softswitch port on Asterisk's manager interface (AMI)."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path

import structlog

from switchroom.domain.contact import Waiting
from switchroom.domain.ids import ContactId
from switchroom.runtime.background import BackgroundTasks
from telephony.softswitch.ami_link import AmiLink, AmiTiming
from telephony.softswitch.channel_variables import encode
from telephony.softswitch.journal import Journal
from telephony.softswitch.port import (
    CallGone,
    Delivery,
    PastCall,
    Snapshot,
    SwitchDown,
    SwitchError,
    SwitchEvent,
    SwitchUp,
)
from telephony.softswitch.translate import (
    STATUS_VARIABLES,
    Message,
    between_places,
    caller_channel,
    snapshot,
    text,
    translate,
)

log = structlog.get_logger(__name__)

SNAPSHOT_TIMEOUT_S = 10.0
MOVE_S, MOVES_TAKE = 0.02, 50
"""A caller who is between two places is in one soon: until then, for a second, the list is asked for again."""

# Asterisk's answers for a channel that is going or gone (manager.c, pbx.c).
_GONE = re.compile(r"no such channel|channel does not exist|channel not up", re.IGNORECASE)
_EXTRA = "extra channel"
"""An agent's leg, where the answer does not name it (manager.c)."""
_EXTENSION = re.compile(r"[0-9]+")
_NORMAL_CLEARING = "16"  # Q.850


class AmiSoftswitch:
    """A `Softswitch` (port) that is an Asterisk with the configuration in ``softswitch_config``."""

    def __init__(
        self, host: str, port: int, user: str, secret: str, journal: Path, timing: AmiTiming | None = None
    ) -> None:
        """``journal`` is the file in which its dialplan writes down the calls that are over."""
        self._link = AmiLink(
            host,
            port,
            user,
            secret,
            timing or AmiTiming(),
            on_up=self._up,
            on_down=self._down,
            on_event=self._take,
        )
        self._journal = Journal(journal)
        self._tasks = BackgroundTasks()
        self._handler: Callable[[SwitchEvent], None] | None = None
        self._channels: dict[ContactId, str] = {}
        self._read = False
        """Whether all calls that are live have been read since the login: only then an unknown one is gone."""

    @property
    def connected(self) -> bool:
        return self._link.up

    async def start(self, handler: Callable[[SwitchEvent], None]) -> None:
        self._handler = handler
        self._tasks.spawn(self._link.run(), name="ami")

    async def stop(self) -> None:
        self._handler = None
        await self._tasks.close()

    async def snapshot(self) -> Snapshot:
        status, devices = await self._list()
        for _ in range(MOVES_TAKE):
            if not between_places(status):
                break
            await asyncio.sleep(MOVE_S)
            status, devices = await self._list()
        for message in status:
            if caller := caller_channel(message):
                self._channels[caller[0]] = caller[1]
        self._read = True
        return replace(snapshot(status, devices), uptime_s=self._link.uptime_s)

    async def _list(self) -> tuple[Sequence[Message], Sequence[Message]]:
        status, devices = await self._link.request(
            {"Action": "Status", "Variables": STATUS_VARIABLES},
            {"Action": "DeviceStateList"},
            timeout_s=SNAPSHOT_TIMEOUT_S,
        )
        for answer in (status[0], devices[0]):
            _judge(answer)
        return status, devices

    async def past_calls(self) -> Sequence[PastCall]:
        try:
            return await asyncio.to_thread(self._journal.take)
        except OSError as error:
            log.error("journal.not_read", error=error.strerror)
            return ()

    async def forget_past_calls(self, booked: Set[ContactId]) -> None:
        try:
            await asyncio.to_thread(self._journal.forget, booked)
        except OSError as error:
            log.error("journal.not_removed", error=error.strerror)

    async def wait(self, contact_id: ContactId, waiting: Waiting, collected: Mapping[str, str] | None) -> None:
        try:
            variables = encode(waiting, collected)
        except ValueError as error:
            raise SwitchError(str(error)) from error
        # NEXT comes last: until it is there the dialplan does not act on the others.
        await self._do(contact_id, *_written({**variables, "NEXT": "waiting"}))

    async def connect(self, contact_id: ContactId, delivery: Delivery) -> None:
        if not _EXTENSION.fullmatch(delivery.extension):
            raise SwitchError("a phone is named by digits")
        variables = {
            "TO_OFFER": delivery.offer_id,
            "TO_AGENT": delivery.agent_id,
            "RING_S": str(delivery.ring_timeout_s),
        }
        await self._do(contact_id, *_written(variables), _redirect("connect", delivery.extension))

    async def transfer(self, contact_id: ContactId, waiting: Waiting) -> None:
        try:
            variables = encode(waiting, None)
        except ValueError as error:
            raise SwitchError(str(error)) from error
        # Beside the old place, which stays the caller's when the redirect is refused.
        to = {f"TO_{name}": value for name, value in variables.items()}
        await self._do(contact_id, *_written(to), _redirect("transferred"))

    async def hold(self, contact_id: ContactId) -> None:
        await self._do(contact_id, _redirect("held", **await self._agent_to(contact_id, "holding", "s")))

    async def resume(self, contact_id: ContactId) -> None:
        await self._do(contact_id, _redirect("resumed"))

    async def consult(self, contact_id: ContactId, delivery: Delivery) -> None:
        if not _EXTENSION.fullmatch(delivery.extension):
            raise SwitchError("a phone is named by digits")
        variables = {
            "CONSULTED": delivery.agent_id,
            "CONSULT": delivery.offer_id,
            "CONSULT_S": str(delivery.ring_timeout_s),
            "EXPERT_LEG": "",
            "JOINED_AT": "",
            "BACK": "",  # before the redirect: the agent's leg may say so at once
        }
        to_agent = await self._agent_to(contact_id, "consult", delivery.extension)
        await self._do(contact_id, *_written(variables), _redirect("consulting", **to_agent))

    async def complete(self, contact_id: ContactId) -> None:
        # The caller alone: the agent's leg frees itself when the other is taken out of its bridge.
        await self._do(contact_id, _redirect("takeover"))

    async def conference(self, contact_id: ContactId) -> None:
        legs = [await self._leg(contact_id, variable) for variable in ("AGENT_LEG", "EXPERT_LEG")]
        hooks = [
            {"Action": "Setvar", "Channel": leg, "Variable": "CHANNEL(hangup_handler_push)", "Value": "leg,over,1"}
            for leg in legs
        ]
        await self._do(contact_id, *hooks)
        await self._do(contact_id, _redirect("conference"))

    async def _agent_to(self, contact_id: ContactId, context: str, extension: str) -> dict[str, str]:
        """What a redirect of the caller needs to move the agent's leg in the same step."""
        leg = await self._leg(contact_id, "AGENT_LEG")
        return {"ExtraChannel": leg, "ExtraContext": context, "ExtraExten": extension, "ExtraPriority": "1"}

    async def _leg(self, contact_id: ContactId, variable: str) -> str:
        """The uniqueid of an agent's leg; SwitchError if there is none."""
        (answer,) = await self._do(contact_id, {"Action": "Getvar", "Variable": variable})
        if not (leg := text(answer, "Value")):
            raise SwitchError("no agent has this caller, or is asked")
        return leg

    async def note_served(self, contact_id: ContactId) -> None:
        await self._do(contact_id, *_written({"SERVED": "yes"}))

    async def finish(self, contact_id: ContactId) -> None:
        await self._do(contact_id, *_written({"NEXT": "hangup"}))

    async def hang_up(self, contact_id: ContactId) -> None:
        await self._do(contact_id, {"Action": "Hangup", "Cause": _NORMAL_CLEARING})

    async def _do(self, contact_id: ContactId, *actions: Mapping[str, str]) -> list[Message]:
        """Write all ``actions`` on the caller's channel (or their own) back to back, then wait for the answers."""
        channel = self._channels.get(contact_id)
        if channel is None:
            if self._read:
                raise CallGone(contact_id)
            raise SwitchError("not connected to Asterisk, or its calls are not read yet")
        answers = await self._link.request(*({"Channel": channel, **action} for action in actions))
        for action, answer in zip(actions, answers, strict=True):
            _judge(answer[0], action)
        return [answer[0] for answer in answers]

    def _up(self) -> None:
        self._tell(SwitchUp())

    def _down(self) -> None:
        self._channels.clear()
        self._read = False
        self._tell(SwitchDown())

    def _take(self, message: Message) -> None:
        if caller := caller_channel(message):
            contact_id, channel = caller
            if text(message, "Event") == "Hangup":
                self._channels.pop(contact_id, None)
            else:
                self._channels[contact_id] = channel
        for event in translate(message):
            self._tell(event)

    def _tell(self, event: SwitchEvent) -> None:
        if self._handler is not None:
            try:
                self._handler(event)
            except Exception:
                log.exception("softswitch.handler_failed", event_type=type(event).__name__)


def _written(variables: Mapping[str, str]) -> list[dict[str, str]]:
    """What writes ``variables`` on the channel."""
    return [{"Action": "Setvar", "Variable": name, "Value": value} for name, value in variables.items()]


def _redirect(context: str, extension: str = "s", **extra: str) -> dict[str, str]:
    return {"Action": "Redirect", "Context": context, "Exten": extension, "Priority": "1", **extra}


def _judge(answer: Message, action: Mapping[str, str] | None = None) -> None:
    """``action`` is what was asked: that an agent's leg is gone does not mean the caller is."""
    if text(answer, "Response") == "Success":
        return
    reason, leg = text(answer, "Message"), (action or {}).get("ExtraChannel")
    of_leg = "Channel" in (action or {}) or (leg is not None and (leg in reason or _EXTRA in reason))
    if _GONE.search(reason) and not of_leg:
        raise CallGone(reason)
    raise SwitchError(f"Asterisk refused: {reason}")
