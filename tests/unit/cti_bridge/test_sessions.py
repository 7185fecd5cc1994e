"""Logging in and out: cookies, tokens, guesses, and where an agent sits."""

import asyncio

from aiohttp import WSMsgType

from cti_bridge.http.guard import CSRF_HEADER
from switchroom.domain.ids import AgentId
from switchroom.domain.user import Role
from tests.fakes.clock import FakeClock
from tests.fixtures.api_client import Client, receive
from tests.fixtures.bridge_server import ORIGIN, PASSWORD, BridgeServer


async def test_given_a_login_then_the_session_tells_who_and_the_cookie_is_out_of_reach_of_scripts(
    server: BridgeServer, client: Client
) -> None:
    browser = await client("")
    body = {"login": "agent", "password": PASSWORD}
    async with browser.http.post(f"{server.url}/api/v1/session", json=body) as answer:
        session, cookie = await answer.json(), answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    assert (session["role"], session["agent"]["id"], session["agent"]["name"]) == ("agent", "1001", "张敏")
    assert "refund" in session["dispositions"] and "lunch" in session["pause_reasons"]
    status, again = await browser.ask("GET", "/api/v1/session")
    assert (status, again["csrf"]) == (200, session["csrf"])


async def test_given_wrong_passwords_then_the_guesser_waits_and_the_owner_elsewhere_would_not(
    client: Client, clock: FakeClock
) -> None:
    browser = await client("")
    assert [await browser.log_in("agent", "wrong") for _ in range(5)] == [401] * 5
    assert await browser.log_in("agent") == 429
    assert await browser.log_in("other") == 200
    clock.advance(301)
    assert await browser.log_in("agent") == 200


async def test_given_a_logout_then_cookie_and_sockets_are_dead(client: Client) -> None:
    browser = await client("agent")
    socket = await browser.events()
    await receive(socket, "switchroom.hello")
    assert (await browser.ask("DELETE", "/api/v1/session"))[0] == 204
    async with asyncio.timeout(5):
        assert (await socket.receive()).type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
    assert (await browser.ask("GET", "/api/v1/agents"))[0] == 401


async def test_changes_by_cookie_need_the_sessions_token_and_a_known_origin(client: Client) -> None:
    browser = await client("agent")
    wish, path = {"state": "available"}, "/api/v1/agents/1001/state"
    assert (await browser.ask("PUT", path, json=wish, headers={CSRF_HEADER: "x"}))[0] == 403
    assert (await browser.ask("PUT", path, json=wish, headers={"Origin": "https://evil.example"}))[0] == 403
    assert (await browser.ask("PUT", path, json=wish, headers={"Origin": ORIGIN}))[0] == 200
    assert (await browser.ask("PUT", path, data='{"state":"available"}', headers={"Content-Type": "text/plain"}))[
        0
    ] == 415


async def test_programs_use_bearer_tokens_and_need_no_csrf(server: BridgeServer, client: Client) -> None:
    token = await server.accounts.create_token(Role.SUPERVISOR, "wallboard")
    browser = await client("")
    bearer = {"Authorization": f"Bearer {token}"}
    status, session = await browser.ask("GET", "/api/v1/session", headers=bearer)
    assert (status, session["login"], session["csrf"]) == (200, "token:wallboard", None)
    status, agent = await browser.ask("PUT", "/api/v1/agents/1002/state", json={"state": "available"}, headers=bearer)
    assert (status, agent["state"]) == (200, "available")
    assert (await browser.ask("GET", "/api/v1/agents", headers={"Authorization": "Bearer forged"}))[0] == 401


async def test_given_a_desk_at_login_then_the_agent_sits_there_if_there_is_such_a_phone(
    server: BridgeServer, client: Client
) -> None:
    browser = await client("")
    for login, desk, status in (("agent", "8001", 200), ("agent", "9999", 422), ("supervisor", "8001", 422)):
        body = {"login": login, "password": PASSWORD, "desk": desk}
        found, answer = await browser.ask("POST", "/api/v1/session", json=body)
        assert found == status, answer
    assert server.agents.agent(AgentId("1001")).extension == "8001"  # type: ignore[union-attr]
    server.agents.refusal = "Somebody else sits at your phone 1001."
    found, answer = await browser.ask("POST", "/api/v1/session", json={"login": "agent", "password": PASSWORD})
    assert (found, answer["detail"]) == (409, "Somebody else sits at your phone 1001.")
