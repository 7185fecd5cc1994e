"""``switchroom users …``: who may log in at the desktop, and tokens for programs."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from acd.config import load_config
from server.cli.run import CommandError, ledger, read_settings, run
from switchroom.domain.ids import AgentId, TeamName
from switchroom.domain.user import Role
from switchroom.runtime.settings import Settings
from switchroom.storage.accounts import Accounts

app = typer.Typer(help="Users and tokens.", no_args_is_help=True)

T = TypeVar("T")

SHORTEST_PASSWORD = 10


@app.command()
def add(
    login: str,
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.AGENT,
    agent: Annotated[str | None, typer.Option(help="The agent's number, for those who serve.")] = None,
    team: Annotated[str | None, typer.Option(help="The team that a leader leads.")] = None,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Add a user, or change the role, agent, team or password of an existing one."""
    if len(password) < SHORTEST_PASSWORD:
        raise CommandError(f"a password has at least {SHORTEST_PASSWORD} characters")
    if (role is Role.AGENT) != (agent is not None) and role is not Role.LEADER:
        raise CommandError("an agent needs --agent NUMBER, and nobody else but a leader may have one")
    if (role is Role.LEADER) != (team is not None):
        raise CommandError("a leader needs --team NAME, and nobody else may have one")
    settings = read_settings()
    if agent is not None and AgentId(agent) not in load_config(settings.dialplans).agents:
        raise CommandError(f"agent {agent} is not in {settings.dialplans / 'agents.yaml'}")
    if team is not None and team not in load_config(settings.dialplans).teams:
        raise CommandError(f"team {team} is not in {settings.dialplans / 'agents.yaml'}")
    agent_id, led = AgentId(agent) if agent else None, TeamName(team) if team else None
    run(_with_accounts(settings, lambda a: a.ensure_user(login, role, agent_id, password, team=led)))
    typer.echo(f"user {login}: {role.value}")


@app.command("list")
def list_() -> None:
    """Print every user."""
    for user in run(_with_accounts(read_settings(), lambda a: a.users())):
        typer.echo(f"{user.login:20} {user.role.value:10} {user.agent_id or user.team or ''}")


@app.command()
def remove(login: str) -> None:
    """Remove a user; sessions end at once."""
    run(_with_accounts(read_settings(), lambda a: a.remove_user(login)))
    typer.echo(f"user {login}: removed")


@app.command()
def token(label: str, role: Annotated[Role, typer.Option()] = Role.SUPERVISOR) -> None:
    """Make a bearer token for a program; it is shown this once."""
    typer.echo(run(_with_accounts(read_settings(), lambda a: a.create_token(role, label))))


@app.command()
def tokens() -> None:
    """Print every token's label and role."""
    for one in run(_with_accounts(read_settings(), lambda a: a.tokens())):
        typer.echo(f"{one.login.removeprefix('token:'):20} {one.role.value}")


@app.command()
def revoke(label: str) -> None:
    """End a program's token at once; several of one label end together."""
    if not run(_with_accounts(read_settings(), lambda a: a.revoke_tokens(label))):
        raise CommandError(f"there is no token with the label {label}")
    typer.echo(f"token {label}: revoked")


async def _with_accounts(settings: Settings, ask: Callable[[Accounts], Awaitable[T]]) -> T:
    async with ledger(settings) as database:
        return await ask(Accounts(database))
