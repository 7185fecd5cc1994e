"""Who may log in: passwords, sessions that end, tokens for programs."""

from datetime import UTC, datetime, timedelta

from switchroom.domain.ids import AgentId
from switchroom.storage.accounts import SESSION_LASTS, Accounts, Role, User
from switchroom.storage.database import Database

NOON = datetime(2026, 1, 8, 12, 0, tzinfo=UTC)
AGENT = AgentId("1001")


async def test_users_log_in_with_their_password_only(database: Database) -> None:
    accounts = Accounts(database)
    await accounts.ensure_user("zhang", Role.AGENT, AGENT, "correct horse")
    user = User(login="zhang", role=Role.AGENT, agent_id=AGENT)
    assert await accounts.check_password("zhang", "correct horse") == user
    assert await accounts.check_password("zhang", "wrong") is None
    assert await accounts.check_password("nobody", "correct horse") is None
    await accounts.ensure_user("zhang", Role.SUPERVISOR, None, "new one")
    assert await accounts.check_password("zhang", "correct horse") is None
    assert await accounts.users() == [User(login="zhang", role=Role.SUPERVISOR)]


async def test_sessions_end_by_time_by_logout_and_with_their_user(database: Database) -> None:
    accounts = Accounts(database)
    await accounts.ensure_user("zhang", Role.AGENT, AGENT, "pw")
    token = await accounts.start_session("zhang", NOON)
    assert await accounts.session_user(token, NOON + SESSION_LASTS) is not None
    assert await accounts.session_user(token, NOON + SESSION_LASTS + timedelta(seconds=1)) is None
    await accounts.end_session(token)
    assert await accounts.session_user(token, NOON) is None
    other = await accounts.start_session("zhang", NOON)
    await accounts.ensure_user("zhang", Role.AGENT, AGENT, "pw")
    assert await accounts.session_user(other, NOON) is not None, "the same password"
    await accounts.ensure_user("zhang", Role.AGENT, AGENT, "a new one")
    assert await accounts.session_user(other, NOON) is None
    other = await accounts.start_session("zhang", NOON)
    await accounts.remove_user("zhang")
    assert await accounts.session_user(other, NOON) is None


async def test_tokens_are_for_programs_and_kept_only_as_hashes(database: Database) -> None:
    accounts = Accounts(database)
    token = await accounts.create_token(Role.SUPERVISOR, "wallboard")
    assert await accounts.token_user(token) == User(login="token:wallboard", role=Role.SUPERVISOR)
    assert await accounts.token_user(token + "x") is None
    await accounts.create_token(Role.ADMIN, "crm")
    assert [(one.login, one.role) for one in await accounts.tokens()] == [
        ("token:crm", Role.ADMIN),
        ("token:wallboard", Role.SUPERVISOR),
    ]
    assert await accounts.revoke_tokens("wallboard") == 1
    assert await accounts.token_user(token) is None
    assert await accounts.revoke_tokens("wallboard") == 0
