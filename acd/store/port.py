"""The live state that several servers share: who waits, and which agent is reserved for whom.

One server alone uses `acd.store.memory`; with Redis (`acd.store.redis_store`) a reservation is atomic over all
servers. Each server writes its own part of the line only: what is true of it is decided in its own memory and on the
channels. Both stores pass ``tests/integration/test_acd_store_contract.py``.
"""

from collections.abc import Sequence
from typing import Protocol

from acd.core.line import QueueEntry
from switchroom.domain.ids import AgentId, ContactId


class StoreError(Exception):
    """The store cannot be reached or did not answer in time. Nothing was reserved."""


class Store(Protocol):
    async def enqueue(self, entry: QueueEntry) -> None:
        """Show that a contact waits. Repeating it changes nothing."""

    async def remove(self, contact_id: ContactId) -> None:
        """The contact waits no longer; any reservation of it ends."""

    async def entries(self) -> list[QueueEntry]:
        """All waiting contacts of all servers, reserved ones included."""

    async def reserve(self, entry: QueueEntry, agent_id: AgentId, lease_s: float) -> int | None:
        """Reserve the agent for the waiting contact, both or neither, for ``lease_s`` at most.

        Returns a token that is larger than every one before, or None when either is reserved already.
        """

    async def release(self, token: int) -> bool:
        """Give up the reservation with this token; false if it has run out or never was. The contact waits on."""

    async def hold(self, agent_id: AgentId, lease_s: float) -> None:
        """The agent talks, or writes up: no other server reserves them for so long. Repeat it to go on."""

    async def claim(self, agent_id: AgentId, lease_s: float) -> bool:
        """As `hold`, unless the agent is reserved, or held by another server: then false, and nothing has changed."""

    async def let_go(self, agent_id: AgentId) -> None:
        """The agent is free for other servers, unless they are reserved."""

    async def replace(self, entries: Sequence[QueueEntry]) -> None:
        """Make this server's part of the line exactly these; its reservations of other contacts end."""

    async def close(self) -> None: ...
