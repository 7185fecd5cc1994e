"""An answer that says what outlives the server: given once the ledger has it."""

import asyncio
from http import HTTPStatus

from switchroom.storage.ledger import Ledger

KEPT_WITHIN_S = 2.0
"""So long a change waits to be written down."""


async def kept(ledger: Ledger) -> HTTPStatus:
    """OK once everything told until now is written down; ACCEPTED while the database is away."""
    try:
        async with asyncio.timeout(KEPT_WITHIN_S):
            await ledger.flush()
    except TimeoutError:
        return HTTPStatus.ACCEPTED
    return HTTPStatus.OK
