"""Who may log in: users with argon2 password hashes, their sessions, and bearer tokens for programs."""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, insert, select

from switchroom.domain.ids import AgentId, TeamName
from switchroom.domain.user import Role, User
from switchroom.storage.database import Database, upsert
from switchroom.storage.tables import api_tokens, sessions, users

SESSION_LASTS = timedelta(hours=14)
"""A long shift; who works longer logs in again."""


class Accounts:
    """Users, sessions and tokens. Hashing costs some 50 ms of a core on purpose, so it runs in a thread."""

    def __init__(self, database: Database, hasher: PasswordHasher | None = None) -> None:
        self._database = database
        self._hasher = hasher or PasswordHasher()

    async def ensure_user(
        self, login: str, role: Role, agent_id: AgentId | None, password: str, *, team: TeamName | None = None
    ) -> None:
        """Make the user, or make an existing one be like this. A leader leads ``team``.

        A password that is already right keeps its hash; a new one ends the user's sessions: who knew the old one
        is out.
        """
        stored = await self._hash_of(login)
        changed = stored is None or not await asyncio.to_thread(self._matches, stored, password)
        if changed:
            stored = await asyncio.to_thread(self._hasher.hash, password)
        row = {"login": login, "password_hash": stored, "role": role, "agent_id": agent_id, "team": team}
        async with self._database.write() as connection:
            await upsert(connection, users, [row])
            if changed:
                await connection.execute(delete(sessions).where(sessions.c.login == login))

    async def users(self) -> Sequence[User]:
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(users.c.login, users.c.role, users.c.agent_id, users.c.team).order_by(users.c.login)
            )
            return [User(**{**row._mapping, "role": Role(row.role)}) for row in rows]

    async def remove_user(self, login: str) -> None:
        """The user and all their sessions."""
        async with self._database.write() as connection:
            await connection.execute(delete(users).where(users.c.login == login))

    async def check_password(self, login: str, password: str) -> User | None:
        """The user, if that is their password."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(users).where(users.c.login == login))).first()
        if row is None:
            # As much work as for a user that exists, so that the time taken does not tell who does.
            await asyncio.to_thread(self._hasher.hash, password)
            return None
        if not await asyncio.to_thread(self._matches, row.password_hash, password):
            return None
        return User(login=row.login, role=Role(row.role), agent_id=row.agent_id, team=row.team)

    async def start_session(self, login: str, now: datetime) -> str:
        """A new session's secret; sessions that have run out are swept away."""
        token = secrets.token_urlsafe(32)
        async with self._database.write() as connection:
            await connection.execute(delete(sessions).where(sessions.c.expires_at < now))
            await connection.execute(
                insert(sessions).values(token_hash=_digest(token), login=login, expires_at=now + SESSION_LASTS)
            )
        return token

    async def session_user(self, token: str, now: datetime) -> User | None:
        query = (
            select(users.c.login, users.c.role, users.c.agent_id, users.c.team)
            .join(sessions, sessions.c.login == users.c.login)
            .where(sessions.c.token_hash == _digest(token), sessions.c.expires_at >= now)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else User(login=row.login, role=Role(row.role), agent_id=row.agent_id, team=row.team)

    async def end_session(self, token: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(sessions).where(sessions.c.token_hash == _digest(token)))

    async def create_token(self, role: Role, label: str) -> str:
        """A program's bearer token, shown this once."""
        token = f"swr_{secrets.token_urlsafe(32)}"
        async with self._database.write() as connection:
            await connection.execute(insert(api_tokens).values(token_hash=_digest(token), role=role, label=label))
        return token

    async def tokens(self) -> Sequence[User]:
        """The programs' tokens, as the users that they stand for."""
        query = select(api_tokens.c.role, api_tokens.c.label).order_by(api_tokens.c.label)
        async with self._database.read() as connection:
            return [_program(row.label, row.role) for row in await connection.execute(query)]

    async def revoke_tokens(self, label: str) -> int:
        """Every token of that label ends; tells how many there were."""
        async with self._database.write() as connection:
            return (await connection.execute(delete(api_tokens).where(api_tokens.c.label == label))).rowcount

    async def token_user(self, token: str) -> User | None:
        query = select(api_tokens.c.role, api_tokens.c.label).where(api_tokens.c.token_hash == _digest(token))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else _program(row.label, row.role)

    async def _hash_of(self, login: str) -> str | None:
        async with self._database.read() as connection:
            return await connection.scalar(select(users.c.password_hash).where(users.c.login == login))

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _program(label: str, role: str) -> User:
    return User(login=f"token:{label}", role=Role(role))


def _digest(token: str) -> str:
    # The token is 256 random bits: nothing to guess, so a fast hash is enough.
    # A header may carry bytes that are no text; such a token is wrong, not an error.
    return hashlib.sha256(token.encode(errors="backslashreplace")).hexdigest()
