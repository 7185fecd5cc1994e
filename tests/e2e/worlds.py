"""What happens around a softswitch: callers and phones, of the fake in memory and of the real Asterisk."""

import asyncio
from typing import TYPE_CHECKING, Protocol

from demo.softphone import PhoneCall, Softphone
from softswitch_config.render import Folders
from switchroom.domain.events import OfferFailure
from switchroom.domain.ids import AgentId, ContactId, Extension
from telephony.softswitch.ami import AmiSoftswitch
from telephony.softswitch.port import FileClosed, LivePhase, PastCall, PhoneState, Softswitch, SwitchEvent, SwitchUp
from tests.e2e.menu_server import MenuServer
from tests.e2e.switch import COLLECTED, WAITING, Switch
from tests.fakes.fake_softswitch import FakeSoftswitch
from tests.fakes.fake_talks import Behaviour
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.e2e.conftest import RunningAsterisk, Softphones

NUMBER, CALLER = "4008123123", "13800138000"
AGENT, EXPERT, ABSENT = AgentId("1004"), AgentId("1006"), AgentId("1010")


class World(Protocol):
    softswitch: Softswitch

    async def call(self) -> None: ...
    async def let_go(self, contact_id: ContactId) -> None: ...
    async def register(self, agent: AgentId, behaviour: Behaviour) -> None: ...
    async def nobody_answers(self, contact_id: ContactId) -> None: ...
    async def caller_hangs_up(self, contact_id: ContactId) -> None: ...
    async def agent_hangs_up(self, contact_id: ContactId) -> None: ...
    async def expert_hangs_up(self, contact_id: ContactId) -> None: ...
    async def expert_ends_the_talk(self, contact_id: ContactId) -> None:
        """After the expert took the caller over."""


class FakeWorld:
    def __init__(self) -> None:
        self._fake = FakeSoftswitch()
        self.softswitch: Softswitch = self._fake

    async def call(self) -> None:
        self._fake.arrive(NUMBER, CALLER)

    async def let_go(self, contact_id: ContactId) -> None:
        self._fake.let_go(contact_id)

    async def register(self, agent: AgentId, behaviour: Behaviour) -> None:
        self._fake.register(Extension(agent), behaviour)

    async def nobody_answers(self, contact_id: ContactId) -> None:
        self._fake.fail(contact_id, OfferFailure.NO_ANSWER)

    async def caller_hangs_up(self, contact_id: ContactId) -> None:
        self._fake.caller_hangs_up(contact_id)

    async def agent_hangs_up(self, contact_id: ContactId) -> None:
        self._fake.agent_hangs_up(contact_id)

    async def expert_hangs_up(self, contact_id: ContactId) -> None:
        self._fake.expert_hangs_up(contact_id)

    async def expert_ends_the_talk(self, contact_id: ContactId) -> None:
        self._fake.agent_hangs_up(contact_id)


class RealWorld:
    """Its phones can be listened to, too."""

    def __init__(self, asterisk: "RunningAsterisk", softphones: "Softphones") -> None:
        ami = asterisk.settings.asterisk
        secret = asterisk.credentials.ami_secret
        self.softswitch: Softswitch = AmiSoftswitch(
            ami.ami_host, ami.ami_port, ami.ami_user, secret, Folders.of(asterisk.settings).journal
        )
        self.menu = MenuServer(asterisk.settings.media)
        self._softphones = softphones
        self._customer = softphones.customer(CALLER)
        self._agents: dict[AgentId, Softphone] = {}

    async def call(self) -> None:
        self._customer.call(NUMBER)
        await eventually(lambda: self.menu.callers, "the caller is in the menu")

    async def let_go(self, contact_id: ContactId) -> None:
        await self.menu.let_go(contact_id)

    async def register(self, agent: AgentId, behaviour: Behaviour) -> None:
        after_s = 0.05 if behaviour == "answers" else None
        self._agents[agent] = self._softphones.agent(agent, answer_after_s=after_s, busy=behaviour == "busy")

    async def nobody_answers(self, contact_id: ContactId) -> None:
        """The ring time (1 s) passes."""

    async def caller_hangs_up(self, contact_id: ContactId) -> None:
        self.caller.hang_up()

    async def agent_hangs_up(self, contact_id: ContactId) -> None:
        self.of(AGENT).hang_up()

    async def expert_hangs_up(self, contact_id: ContactId) -> None:
        self.of(EXPERT).hang_up()

    async def expert_ends_the_talk(self, contact_id: ContactId) -> None:
        self.of(EXPERT).hang_up()

    @property
    def caller(self) -> PhoneCall:
        """The customer's call."""
        return self._customer.history[-1]

    def of(self, agent: AgentId) -> PhoneCall:
        """The newest call of an agent's phone."""
        return self._agents[agent].history[-1]


async def observed(softswitch: Softswitch) -> Switch:
    """Started, with all that it tells from now on."""
    made = Switch(softswitch)
    await made.softswitch.start(made.take)
    await made.told(SwitchUp())
    return made


async def queued(world: World, switch: Switch) -> ContactId:
    await world.call()
    contact_id = await switch.arrived()
    await switch.softswitch.wait(contact_id, WAITING, COLLECTED)
    await world.let_go(contact_id)
    await switch.until_phase(contact_id, LivePhase.WAITING)
    return contact_id


def of_call(switch: Switch) -> list[SwitchEvent]:
    """What was told of the call, phones and recordings aside."""
    return [event for event in switch.events if not isinstance(event, SwitchUp | PhoneState | FileClosed)]


def closed(switch: Switch, contact_id: ContactId) -> list[str]:
    """The agents whose recordings were closed."""
    files = [event.file for event in switch.events if isinstance(event, FileClosed) and event.contact_id == contact_id]
    assert all(file.startswith(f"{contact_id}-") and file.endswith(".raw") for file in files)
    return [file.removeprefix(f"{contact_id}-").partition("-")[0] for file in files]


async def written_down(switch: Switch, contact_id: ContactId) -> PastCall:
    """The call, as the softswitch's journal has it: a moment after the caller's end was told."""
    async with asyncio.timeout(5):
        while True:
            for past in await switch.softswitch.past_calls():
                if past.contact_id == contact_id:
                    return past
            await asyncio.sleep(0.05)
