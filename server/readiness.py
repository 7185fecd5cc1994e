"""What `GET /readyz` asks: everything that the server cannot do without, by name."""

from collections.abc import Awaitable, Callable

from acd.store.port import StoreError
from acd.store.redis_store import RedisStore
from switchroom.domain.errors import NotReady
from switchroom.runtime.settings import Settings
from switchroom.storage.ledger import Ledger
from switchroom.storage.readiness import Writable, check_backlog
from telephony.room import CallRoom
from telephony.softswitch.ami import AmiSoftswitch

Check = Callable[[], Awaitable[str | None]]
"""What there is to say when all is well; `NotReady` says what is not."""


def checks(
    settings: Settings,
    switch: AmiSoftswitch,
    store: RedisStore | None,
    writable: Writable,
    ledger: Ledger,
    room: CallRoom,
) -> dict[str, Check]:
    """Each raises `NotReady` while what it looks at is away."""

    async def asterisk() -> None:
        if not switch.connected:
            where = f"{settings.asterisk.ami_host}:{settings.asterisk.ami_port}"
            raise NotReady(f"no connection to Asterisk's manager interface at {where}")

    async def redis() -> None:
        assert store is not None
        try:
            await store.ping()
        except StoreError as error:
            raise NotReady("Redis does not answer: the servers that share it cannot share the line") from error

    found: dict[str, Check] = {
        "asterisk": asterisk,
        "database": writable.check,
        "ledger": lambda: check_backlog(ledger),
        "calls": room.check,
    }
    return {**found, "redis": redis} if store is not None else found
