"""Logins and phones of the demonstration: generated once, kept in ``$SWITCHROOM_HOME/demo-accounts.json``."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acd.config import load_config
from softswitch_config.credentials import load_credentials
from switchroom.domain.ids import AgentId, Extension
from switchroom.domain.user import Role
from switchroom.runtime.settings import Settings
from switchroom.storage.accounts import Accounts
from switchroom.storage.database import Database


@dataclass(frozen=True, slots=True)
class AgentAccount:
    """One agent's desktop login and SIP account; the SIP user is the agent's number."""

    agent: str
    name: str
    login: str
    password: str
    sip_password: str


@dataclass(frozen=True, slots=True)
class DemoAccounts:
    """Everything that somebody needs to log in."""

    http: str
    sip: str
    supervisor_login: str
    supervisor_password: str
    agents: tuple[AgentAccount, ...]


async def ensure_demo_accounts(settings: Settings) -> DemoAccounts:
    """Make the users, or find them as they were; the same passwords at every start."""
    path = settings.home / "demo-accounts.json"
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    passwords = {agent["agent"]: agent["password"] for agent in known.get("agents", ())}
    config = load_config(settings.dialplans)
    agents, credentials = config.agents, load_credentials(settings.secrets, config.phones)
    accounts = DemoAccounts(
        http=f"http://{settings.http.host}:{settings.http.port}",
        sip=f"{settings.sip.host}:{settings.sip.port}",
        supervisor_login="supervisor",
        supervisor_password=known.get("supervisor_password") or secrets.token_urlsafe(9),
        agents=tuple(
            AgentAccount(
                agent=agent_id,
                name=agent.name,
                login=agent_id,
                password=passwords.get(agent_id) or secrets.token_urlsafe(9),
                sip_password=credentials.sip_passwords[Extension(agent_id)],
            )
            for agent_id, agent in agents.items()
        ),
    )
    database = Database(settings.database)
    try:
        await _ensure_users(Accounts(database), accounts)
    finally:
        await database.close()
    _write_private(path, json.dumps(asdict(accounts), ensure_ascii=False, indent=1))
    return accounts


async def _ensure_users(users: Accounts, accounts: DemoAccounts) -> None:
    for one in accounts.agents:
        await users.ensure_user(one.login, Role.AGENT, AgentId(one.agent), one.password)
    await users.ensure_user(accounts.supervisor_login, Role.SUPERVISOR, None, accounts.supervisor_password)


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
