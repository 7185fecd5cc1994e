"""The tables are those of the code, and refuse what must not be in them."""

from datetime import datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from switchroom.storage.database import Database
from switchroom.storage.tables import customer_phones, metadata, tickets


async def test_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    def difference(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    await database.upgrade()  # again: nothing happens
    async with database.read() as connection:
        assert await connection.run_sync(difference) == []


async def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await connection.execute(insert(customer_phones).values(phone="1", customer_id=12345))


async def test_a_time_without_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="without a zone"):
        async with database.write() as connection:
            values = {"contact_id": "x", "subject": "", "state": "open", "note": "", "created_at": datetime(2026, 1, 1)}
            await connection.execute(insert(tickets).values(**values))
