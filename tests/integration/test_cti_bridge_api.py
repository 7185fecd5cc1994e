"""The API from outside: over real sockets, with every role, on a real ledger."""

import asyncio
import sqlite3
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSMsgType, WSServerHandshakeError
from jsonschema import Draft202012Validator, ValidationError
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from structlog.testing import capture_logs

from cti_bridge.http.app import ROUTES
from cti_bridge.http.guard import CSRF_HEADER
from cti_bridge.http.route import Route
from cti_bridge.live import http as events
from cti_bridge.live.hub import QUEUE
from switchroom.domain import events as ev
from switchroom.domain.ids import AgentId, ContactId, Extension
from switchroom.domain.user import RIGHTS, Role
from switchroom.runtime.bus import Bus
from switchroom.storage.ledger import Ledger
from tests.fakes.clock import FakeClock
from tests.fixtures.bridge_server import ORIGIN, PASSWORD, BridgeServer

Client = Callable[[str], Awaitable["Browser"]]


class Browser:
    """A logged-in page: keeps its cookie, sends its CSRF token."""

    def __init__(self, http: ClientSession, server: BridgeServer) -> None:
        self.http, self.server = http, server
        self.csrf = ""

    async def log_in(self, login: str, password: str = PASSWORD) -> int:
        body = {"login": login, "password": password}
        async with self.http.post(f"{self.server.url}/api/v1/session", json=body) as answer:
            if answer.status == 200:
                self.csrf = (await answer.json())["csrf"]
            return answer.status

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        headers = {CSRF_HEADER: self.csrf, **more.pop("headers", {})}
        async with self.http.request(method, self.server.url + path, headers=headers, **more) as answer:
            if answer.content_type in ("application/json", "application/problem+json"):
                return answer.status, await answer.json()
            return answer.status, await answer.read()

    async def events(self, query: str = "", origin: str | None = None) -> ClientWebSocketResponse:
        headers = {"Origin": origin if origin is not None else self.server.url}
        return await self.http.ws_connect(f"{self.server.url}/api/v1/events{query}", headers=headers)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def server(tmp_path: Path, clock: FakeClock) -> AsyncIterator[BridgeServer]:
    server = BridgeServer(tmp_path, clock, desktop=tmp_path / "dist")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: BridgeServer) -> AsyncIterator[Client]:
    async with AsyncExitStack() as stack:

        async def make(login: str) -> Browser:
            # unsafe: cookies of addresses without a name
            http = await stack.enter_async_context(ClientSession(cookie_jar=CookieJar(unsafe=True)))
            browser = Browser(http, server)
            if login:
                assert await browser.log_in(login) == 200
            return browser

        yield make


async def receive(socket: ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of this kind."""
    async with asyncio.timeout(5):
        while True:
            message = await socket.receive_json()
            if message["type"] == kind:
                return dict(message)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_every_route_admits_exactly_the_roles_of_its_row(client: Client, route: Route) -> None:
    path = route.path.split("{", 1)[0].rstrip("/") if route.path.startswith("/desktop") else route.path
    for placeholder in (r"{id:\d{1,9}}", "{id}"):
        path = path.replace(placeholder, "4242")
    for role in (None, *Role):
        browser = await client(role or "")
        headers = {"Origin": browser.server.url}
        status, _ = await browser.ask(route.method, path, json={}, headers=headers, allow_redirects=False)
        if route.needs is None or (role is not None and route.needs in RIGHTS[role]):
            # 422: our empty body was looked at; 403 and 401 would mean that the way in is shut.
            own_state = route.path == "/api/v1/agents/{id}/state"
            assert status not in (401, 403) or (own_state and status == 422)
        else:
            assert status == (401 if role is None else 403)


def test_only_health_login_and_the_login_page_are_open() -> None:
    assert {(route.method, route.path) for route in ROUTES if route.needs is None} == {
        ("GET", "/healthz"),
        ("POST", "/api/v1/session"),
        ("GET", "/"),
        ("GET", "/desktop"),
        ("GET", "/desktop/{file:.*}"),
    }


def test_the_server_has_no_route_beside_the_table(server: BridgeServer) -> None:
    there = {(route.method, route.resource.canonical) for route in server.app.router.routes() if route.resource}
    assert len(there) == len(ROUTES)


async def test_the_openapi_document_is_valid_and_names_every_route(client: Client) -> None:
    status, document = await (await client("agent")).ask("GET", "/api/v1/openapi.json")
    assert status == 200
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    named = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    assert len(named) == sum(route.documented for route in ROUTES)
    assert ("PATCH", "/api/v1/tickets/{id}") in named


async def test_unknown_ways_and_methods_are_problems(client: Client) -> None:
    browser = await client("")
    status, problem = await browser.ask("GET", "/api/v1/nothing")
    assert (status, problem) == (404, {"type": "about:blank", "title": "Not Found", "status": 404})
    status, problem = await browser.ask("PUT", "/healthz")
    assert (status, problem["title"]) == (405, "Method Not Allowed")


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


async def test_agents_change_their_own_state_only(client: Client, server: BridgeServer) -> None:
    browser = await client("agent")
    status, agent = await browser.ask("PUT", "/api/v1/agents/1001/state", json={"state": "paused", "reason": "lunch"})
    assert (status, agent["state"], agent["reason"]) == (200, "paused", "lunch")
    assert (await browser.ask("PUT", "/api/v1/agents/1002/state", json={"state": "available"}))[0] == 403
    supervisor = await client("supervisor")
    assert (await supervisor.ask("PUT", "/api/v1/agents/1002/state", json={"state": "available"}))[0] == 200
    assert (await supervisor.ask("PUT", "/api/v1/agents/9/state", json={"state": "available"}))[0] == 404
    server.agents.refusal = "the phone is not registered"
    status, problem = await browser.ask("PUT", "/api/v1/agents/1001/state", json={"state": "available"})
    assert (status, problem["detail"]) == (409, "the phone is not registered")


@pytest.mark.parametrize(
    "body",
    [
        '{"state": "busy"}',
        '{"state": "paused", "reason": "<script>"}',
        '{"state": "paused", "more": 1}',
        "[" * 20_000,
        "not json",
        "[]",
        '{"state": "paused", "reason": "\\ud800"}',
    ],
)
async def test_whatever_is_sent_is_refused_in_words(client: Client, body: str) -> None:
    browser = await client("agent")
    headers = {"Content-Type": "application/json"}
    status, problem = await browser.ask("PUT", "/api/v1/agents/1001/state", data=body, headers=headers)
    assert status in (400, 422) and problem["status"] == status and problem["detail"]


async def test_given_an_agent_then_only_their_agents_queues_and_calls(server: BridgeServer, client: Client) -> None:
    server.agents.came = [server.clock.now() - timedelta(seconds=60)]
    await server.ring()
    await server.ledger.flush()
    agent, other, supervisor = await client("agent"), await client("other"), await client("supervisor")
    assert [a["id"] for a in (await agent.ask("GET", "/api/v1/agents"))[1]] == ["1001"]
    assert [q["name"] for q in (await agent.ask("GET", "/api/v1/queues"))[1]] == ["general", "returns"]
    assert [a["id"] for a in (await supervisor.ask("GET", "/api/v1/agents"))[1]] == ["1001", "1002"]
    queues = (await supervisor.ask("GET", "/api/v1/queues"))[1]
    assert [(queue["name"], queue["waiting"], queue["oldest"]) for queue in queues] == [
        ("general", 0, None),
        ("returns", 1, "2026-01-08T09:29:00Z"),
        ("complaints", 0, None),
    ]

    (mine,) = (await agent.ask("GET", "/api/v1/contacts?live=true"))[1]
    assert (mine["contact_id"], mine["caller"]) == ("c1", "138****8000")
    assert mine["offered_at"].endswith("Z")
    theirs = (await other.ask("GET", "/api/v1/contacts?agent_id=1001"))[1]
    assert {call["agent_id"] for call in theirs} == {"1002"}
    assert (await other.ask("GET", "/api/v1/contacts/c1"))[0] == 404
    assert (await other.ask("GET", "/api/v1/contacts/c1/decision"))[0] == 404
    assert (await other.ask("POST", "/api/v1/contacts/c1/actions/hangup"))[0] == 404
    status, story = await supervisor.ask("GET", "/api/v1/contacts/c1")
    assert (status, story["contact"]["caller"]) == (200, "13800138000")
    assert [event["type"] for event in story["events"]][:2] == [
        "switchroom.contact.entered",
        "switchroom.customer.identified",
    ]
    own = (await agent.ask("GET", "/api/v1/contacts/c1"))[1]
    assert own["events"][0]["data"]["caller"] == "138****8000"
    assert (await agent.ask("GET", "/api/v1/contacts/c1/decision"))[1]["decisions"] == [
        {"kind": "assign", "agent": "1001"}
    ]


async def test_given_a_leader_then_the_team_is_seen_with_masked_numbers_and_nobody_else(
    server: BridgeServer, client: Client
) -> None:
    await server.ring("c1", agent_id="1001")
    await server.ring("c2", agent_id="1002", caller="13900139000")
    await server.ledger.flush()
    leader = await client("leader")
    assert [agent["id"] for agent in (await leader.ask("GET", "/api/v1/agents"))[1]] == ["1001"]
    seen = (await leader.ask("GET", "/api/v1/contacts?live=true"))[1]
    assert [(one["contact_id"], one["caller"]) for one in seen] == [("c1", "138****8000")]
    assert (await leader.ask("GET", "/api/v1/contacts/c2"))[0] == 404
    assert (await leader.ask("PUT", "/api/v1/agents/1002/state", json={"state": "available"}))[0] == 403
    assert (await leader.ask("PUT", "/api/v1/agents/1001/state", json={"state": "available"}))[0] == 200
    assert (await leader.ask("POST", "/api/v1/contacts/c2/actions/hangup"))[0] == 404
    assert (await leader.ask("POST", "/api/v1/contacts/c1/actions/hangup"))[0] == 204

    board = await leader.events()
    hello = await receive(board, "switchroom.hello")
    assert [agent["id"] for agent in hello["data"]["agents"]] == ["1001"]
    await server.ring("c3", agent_id="1002", caller="13900139000")
    await server.ring("c4", agent_id="1001", caller="13900139000")
    offer = await receive(board, "switchroom.offer.made")
    assert offer["data"]["contact_id"] == "c4"


async def test_given_a_desk_at_login_then_the_agent_sits_there_if_there_is_such_a_phone(
    server: BridgeServer, client: Client
) -> None:
    browser = await client("")
    for login, desk, status in (("agent", "8001", 200), ("agent", "9999", 422), ("supervisor", "8001", 422)):
        body = {"login": login, "password": PASSWORD, "desk": desk}
        found, answer = await browser.ask("POST", "/api/v1/session", json=body)
        assert found == status, answer
    assert server.agents.agent(AgentId("1001")).extension == "8001"  # type: ignore[union-attr]


async def test_given_an_auditor_then_everything_is_read_and_nothing_changed(
    server: BridgeServer, client: Client
) -> None:
    await server.ring("c1", agent_id="1001")
    await server.ledger.flush()
    auditor = await client("auditor")
    status, story = await auditor.ask("GET", "/api/v1/contacts/c1")
    assert (status, story["contact"]["caller"]) == (200, "13800138000")
    assert (await auditor.ask("POST", "/api/v1/contacts/c1/actions/hangup"))[0] == 403
    assert (await auditor.ask("PUT", "/api/v1/agents/1001/state", json={"state": "available"}))[0] == 403


async def test_given_an_editor_then_menus_are_read_and_no_customer(client: Client) -> None:
    editor = await client("editor")
    assert (await editor.ask("GET", "/api/v1/flows"))[0] == 200
    for path in ("contacts", "agents", "queues", "customers?phone=13800138000", "tickets"):
        assert (await editor.ask("GET", f"/api/v1/{path}"))[0] == 403


async def test_given_a_live_call_when_transferred_then_telephony_is_asked_for_a_queue_that_exists(
    server: BridgeServer, client: Client
) -> None:
    server.calls.add(ContactId("c9"), AgentId("1001"))
    agent, other = await client("agent"), await client("other")
    path = "/api/v1/contacts/c9/actions/transfer"
    assert (await agent.ask("POST", path, json={"queue": "complaints"}))[0] == 202
    assert server.calls.transferred == [("c9", "1001", "complaints")]
    assert (await agent.ask("POST", path, json={"queue": "nowhere"}))[0] == 422
    assert (await other.ask("POST", path, json={"queue": "complaints"}))[0] == 404
    server.calls.refusal = "Asterisk does not answer"
    assert (await agent.ask("POST", path, json={"queue": "complaints"}))[0] == 409


async def test_given_an_agents_own_talk_then_it_can_be_held_handed_over_and_conferred(
    server: BridgeServer, client: Client
) -> None:
    contact_id = ContactId("c9")
    server.calls.add(contact_id, AgentId("1001"))
    await server.agents.take_desk(AgentId("1002"), Extension("1002"))
    agent, other, auditor = [await client(login) for login in ("agent", "other", "auditor")]
    for action in ("hold", "resume", "complete", "conference"):
        path = f"/api/v1/contacts/c9/actions/{action}"
        assert (await agent.ask("POST", path))[0] == 202
        assert (await other.ask("POST", path))[0] == 404
        assert (await auditor.ask("POST", path))[0] == 403
    path = "/api/v1/contacts/c9/actions/consult"
    assert (await agent.ask("POST", path, json={"agent": "1002"}))[0] == 202
    assert server.calls.asked == [
        ("hold", "c9", "1001"),
        ("resume", "c9", "1001"),
        ("complete", "c9", "1001"),
        ("conference", "c9", "1001"),
        ("consult", "c9", "1001", "1002", "1002"),
    ]
    assert (await agent.ask("POST", path, json={"agent": "9999"}))[0] == 422
    server.agents.move(AgentId("1002"), ev.AgentState.BUSY, contact_id=ContactId("c8"))
    status, problem = await agent.ask("POST", path, json={"agent": "1002"})
    assert (status, problem["detail"]) == (409, "Agent 1002 is busy.")
    server.calls.add(ContactId("waits"), None)
    supervisor = await client("supervisor")
    assert (await supervisor.ask("POST", "/api/v1/contacts/waits/actions/hold"))[0] == 409


async def test_given_a_live_call_when_hung_up_then_call_control_is_asked(server: BridgeServer, client: Client) -> None:
    server.calls.add(ContactId("c9"), AgentId("1001"))
    agent = await client("agent")
    assert (await agent.ask("POST", "/api/v1/contacts/c9/actions/hangup"))[0] == 204
    assert server.calls.hung_up == ["c9"]
    server.calls.refusal = "Asterisk does not answer"
    assert (await agent.ask("POST", "/api/v1/contacts/c9/actions/hangup"))[0] == 409


async def test_customers_are_found_by_any_form_of_their_number(client: Client) -> None:
    agent, supervisor = await client("agent"), await client("supervisor")
    for phone in ("13800138000", "+86 138 0013 8000", "013800138000"):
        (wang,) = (await agent.ask("GET", "/api/v1/customers", params={"phone": phone}))[1]
        assert (wang["name"], wang["tier"]) == ("王芳", "gold")
        assert "138****8000" in wang["phones"]
    assert (await agent.ask("GET", "/api/v1/customers", params={"phone": "1"}))[1] == []
    (wang,) = (await supervisor.ask("GET", "/api/v1/customers", params={"phone": "13800138000"}))[1]
    assert "+8613800138000" in wang["phones"]
    status, answer = await agent.ask("GET", f"/api/v1/customers/{wang['id']}")
    assert (status, answer["orders"][0]["number"]) == (200, "20260105")
    status, timeline = await agent.ask("GET", f"/api/v1/customers/{wang['id']}/timeline")
    assert {entry["kind"] for entry in timeline} == {"call", "ticket", "order"}
    assert [entry["at"] for entry in timeline] == sorted((entry["at"] for entry in timeline), reverse=True)
    assert (await agent.ask("GET", "/api/v1/customers/4242"))[0] == 404


async def test_a_ticket_is_worked_on_and_closed_by_its_agent(server: BridgeServer, client: Client) -> None:
    await server.ring()
    opened = await server.answer()
    path = f"/api/v1/tickets/{opened.ticket_id}"
    agent, other = await client("agent"), await client("other")
    status, ticket = await agent.ask("GET", path)
    assert (status, ticket["state"], ticket["subject"]) == (200, "open", "退货退款 · 20260105")
    assert (await other.ask("GET", path))[0] == 404
    assert (await other.ask("PATCH", path, json={"note": "hm"}))[0] == 404
    assert (await agent.ask("PATCH", path, json={"note": "要求退款"}))[1]["note"] == "要求退款"
    status, problem = await agent.ask("PATCH", path, json={"state": "closed"})
    assert status == 422 and "refund" in problem["detail"]
    status, ticket = await agent.ask("PATCH", path, json={"state": "closed", "disposition": "refund"})
    assert (status, ticket["state"], ticket["note"]) == (200, "closed", "要求退款")
    assert (await agent.ask("PATCH", path, json={"state": "open"}))[0] == 409
    mine = (await agent.ask("GET", "/api/v1/tickets?state=closed"))[1]
    assert opened.ticket_id in [found["id"] for found in mine]


async def test_recordings_are_played_by_their_agent_and_by_supervisors_with_ranges(
    server: BridgeServer, client: Client
) -> None:
    with wave.open(str(server.recordings / "c1.wav"), "wb") as audio:
        audio.setparams((2, 2, 8000, 0, "NONE", ""))
        audio.writeframes(bytes(8000))
    await server.ring()
    await server.answer()
    await server.end(recording="c1.wav")
    agent = await client("agent")
    (call,) = [c for c in (await agent.ask("GET", "/api/v1/contacts"))[1] if c["contact_id"] == "c1"]
    path = f"/api/v1/recordings/{call['recording_id']}"
    whole = (server.recordings / "c1.wav").read_bytes()
    assert await agent.ask("GET", path) == (200, whole)
    assert await agent.ask("GET", path, headers={"Range": "bytes=10-19"}) == (206, whole[10:20])
    assert (await (await client("supervisor")).ask("GET", path))[0] == 200
    assert (await (await client("other")).ask("GET", path))[0] == 404
    story = (await agent.ask("GET", "/api/v1/contacts/c1"))[1]
    assert "path" not in story["recordings"][0]
    (server.recordings / "c1.wav").unlink()
    assert (await agent.ask("GET", path))[0] == 410


async def test_no_recording_leads_out_of_its_folder(server: BridgeServer, client: Client, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"secret")
    (server.recordings / "link.wav").symlink_to(secret)
    for number, path in enumerate(("../secret.wav", str(secret), "link.wav", "../recordings/../secret.wav")):
        await server.ring(f"c{number}")
        await server.end(f"c{number}", recording=path)
    supervisor = await client("supervisor")
    found = [call["recording_id"] for call in (await supervisor.ask("GET", "/api/v1/contacts"))[1]]
    ids = [recording_id for recording_id in found if recording_id]
    assert len(ids) == 4
    for recording_id in (*ids, "..%2F..%2Fsecret.wav", "%2e%2e", "link.wav"):
        status, body = await supervisor.ask("GET", f"/api/v1/recordings/{recording_id}")
        assert status == 404 and b"secret" not in bytes(str(body), "utf-8")


async def test_readiness_names_what_is_missing(server: BridgeServer, client: Client) -> None:
    agent = await client("agent")
    status, readiness = await agent.ask("GET", "/readyz")
    assert (status, readiness["ready"]) == (200, True)
    server.broken = ConnectionError("gone")
    status, readiness = await agent.ask("GET", "/readyz")
    assert (status, readiness["ready"]) == (503, False)
    assert readiness["checks"]["database"]["ok"] and not readiness["checks"]["asterisk"]["ok"]


async def test_metrics_count_what_happened(server: BridgeServer, client: Client) -> None:
    supervisor = await client("supervisor")
    await server.ring()
    status, text = await supervisor.ask("GET", "/metrics")
    assert status == 200
    assert b'switchroom_events_total{type="switchroom.contact.entered"} 1.0' in text
    assert b'route="/api/v1/session",status="200"' in text
    assert b'switchroom_outbox{state="failed"} 0.0' in text


async def test_given_a_desktop_then_the_pop_arrives_before_the_offer_is_rung(
    server: BridgeServer, client: Client
) -> None:
    agent, other = await client("agent"), await client("other")
    mine, theirs = await agent.events(), await other.events()
    hello = await receive(mine, "switchroom.hello")
    assert [found["id"] for found in hello["data"]["agents"]] == ["1001"]
    assert hello["data"]["pop"] is None
    await receive(theirs, "switchroom.hello")

    seen: list[ev.Event] = []
    server.bus.subscribe(ev.Event, seen.append)
    await server.ring()
    pop = (await receive(mine, "switchroom.screenpop"))["data"]
    assert (pop["customer"]["name"], pop["phone"], pop["tier"]) == ("王芳", "138****8000", "gold")
    assert (pop["path"], pop["collected"]) == (["welcome", "main", "returns"], {"order_number": "20260105"})
    kinds = [type(event) for event in seen]
    assert kinds.index(ev.ScreenPopSent) < kinds.index(ev.AgentRang)

    await mine.send_json({"type": "pop_shown", "offer_id": pop["offer_id"]})
    await receive(mine, "switchroom.screen.pop.shown")
    await server.answer()
    await receive(mine, "switchroom.ticket.opened")
    # The other agent hears how long the lines are, and nothing of this call.
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            while True:
                assert (await theirs.receive_json())["type"] == "switchroom.queues"


async def test_given_a_desktop_opened_in_the_middle_of_a_call_then_it_gets_the_pop(
    server: BridgeServer, client: Client
) -> None:
    await server.ring()
    await server.answer()
    hello = await receive(await (await client("agent")).events(), "switchroom.hello")
    pop = hello["data"]["pop"]
    assert (pop["customer"]["name"], pop["contact_id"]) == ("王芳", "c1")
    assert pop["answered_at"] is not None and pop["ticket_id"] is not None


async def test_given_a_lost_connection_when_resumed_then_no_event_is_missing_or_doubled(
    server: BridgeServer, client: Client
) -> None:
    agent = await client("agent")
    first = await agent.events()
    await receive(first, "switchroom.hello")
    server.agents.move(AgentId("1001"), ev.AgentState.AVAILABLE)
    last = (await receive(first, "switchroom.agent.state.changed"))["id"]
    await first.close()

    server.agents.move(AgentId("1001"), ev.AgentState.PAUSED, reason="lunch")
    server.agents.move(AgentId("1002"), ev.AgentState.AVAILABLE)
    server.agents.move(AgentId("1001"), ev.AgentState.AVAILABLE)
    again = await agent.events(f"?last={last}")
    server.agents.move(AgentId("1001"), ev.AgentState.PAUSED, reason="break")
    states = []
    while "break" not in states:
        message = await receive(again, "switchroom.agent.state.changed")
        states.append(message["data"]["reason"] or message["data"]["state"])
        assert message["id"] != last
        last = message["id"]
    assert states == ["lunch", "available", "break"]


async def test_given_a_supervisor_then_everything_is_heard(server: BridgeServer, client: Client) -> None:
    board = await (await client("supervisor")).events()
    await receive(board, "switchroom.hello")
    await server.ring()
    entered = await receive(board, "switchroom.contact.entered")
    assert entered["data"]["contact_id"] == "c1" and entered["id"]
    seen: dict[str, Any] = {}
    async with asyncio.timeout(5):  # the queues have a rhythm of their own: before the ring, or after it
        while not {"switchroom.agent.rang", "switchroom.queues"} <= seen.keys():
            message = await board.receive_json()
            seen.setdefault(message["type"], message["data"])
    assert len(seen["switchroom.queues"]["queues"]) == 3


async def test_every_message_that_is_sent_has_the_form_of_the_published_schema(
    server: BridgeServer, client: Client
) -> None:
    boss, agent = await client("supervisor"), await client("agent")
    _, document = await boss.ask("GET", "/api/v1/openapi.json")
    registry = Registry().with_resource("urn:api", DRAFT202012.create_resource(document))
    form = Draft202012Validator({"$ref": "urn:api#/components/schemas/Message"}, registry=registry)
    board, mine = await boss.events(), await agent.events()
    await server.ring()
    seen = set()
    async with asyncio.timeout(10):
        while not {"switchroom.agent.rang", "switchroom.queues", "switchroom.ticket.opened"} <= seen:
            message = await board.receive_json()
            form.validate(message)
            seen.add(message["type"])
            if message["type"] == "switchroom.agent.rang":
                await server.answer()
    await mine.send_str("nonsense")
    async with asyncio.timeout(10):
        while not {"switchroom.hello", "switchroom.screenpop", "switchroom.error"} <= seen:
            message = await mine.receive_json()
            form.validate(message)
            seen.add(message["type"])
    with pytest.raises(ValidationError):
        form.validate({"type": "switchroom.hello", "time": "2026-01-08T09:30:00Z", "data": {}})


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://127.0.0.1"])
async def test_a_foreign_page_may_not_listen(client: Client, origin: str) -> None:
    agent = await client("agent")
    with pytest.raises(WSServerHandshakeError) as refused:
        await agent.events(origin=origin)
    assert refused.value.status == 403


async def test_a_page_of_a_listed_origin_may_listen_and_a_program_without_one(
    server: BridgeServer, client: Client
) -> None:
    socket = await (await client("agent")).events(origin=ORIGIN)
    await receive(socket, "switchroom.hello")
    url = f"{server.url}/api/v1/events"
    with_cookie_only = (await client("agent")).http
    with pytest.raises(WSServerHandshakeError) as refused:
        await with_cookie_only.ws_connect(url)
    assert refused.value.status == 403
    token = await server.accounts.create_token(Role.ADMIN, "program")
    program = await (await client("")).http.ws_connect(url, headers={"Authorization": f"Bearer {token}"})
    await receive(program, "switchroom.hello")


async def test_malformed_messages_are_answered_and_do_no_harm(server: BridgeServer, client: Client) -> None:
    socket = await (await client("agent")).events()
    await receive(socket, "switchroom.hello")
    for nonsense in ("{", "[]", "1", '{"type": "pop_shown"}', '{"type": "pop_shown", "offer_id": 7}', "[" * 4000):
        await socket.send_str(nonsense)
        assert (await receive(socket, "switchroom.error"))["data"]["detail"]
    await socket.send_bytes(b"\x00\xff")
    await receive(socket, "switchroom.error")
    await socket.send_json({"type": "pop_shown", "offer_id": "nobody's"})
    server.agents.move(AgentId("1001"), ev.AgentState.AVAILABLE)
    await receive(socket, "switchroom.agent.state.changed")
    await socket.send_str("x" * 5000)
    async with asyncio.timeout(5):
        message = await socket.receive()
        while message.type is WSMsgType.TEXT:
            message = await socket.receive()
    assert socket.close_code == 1009


async def test_a_reader_that_is_too_slow_is_cut_off_and_holds_up_nobody(server: BridgeServer, client: Client) -> None:
    slow = await (await client("supervisor")).events()
    await receive(slow, "switchroom.hello")
    for number in range(QUEUE + 100):  # without a pause: the socket's task cannot take them meanwhile
        server.bus.publish(ev.NodeVisited(at=server.clock.now(), contact_id=ContactId("c1"), node=f"n{number}"))
    async with asyncio.timeout(5):
        message = await slow.receive()
        while message.type is WSMsgType.TEXT:
            message = await slow.receive()
    assert slow.close_code == 1013
    quick = await (await client("supervisor")).events()
    await receive(quick, "switchroom.hello")


async def test_pages_carry_a_policy_against_foreign_scripts_and_say_when_they_are_not_built(
    server: BridgeServer, client: Client, tmp_path: Path
) -> None:
    browser = await client("")
    status, problem = await browser.ask("GET", "/desktop/")
    assert (status, problem["detail"]) == (503, "the desktop is not built yet: run script/setup")
    (tmp_path / "dist" / "assets").mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<!doctype html>")
    (tmp_path / "dist" / "assets" / "a-1.js").write_text("1")
    (tmp_path / "dist" / "link.db").symlink_to(tmp_path / "switchroom.db")
    async with browser.http.get(f"{server.url}/") as page:
        assert page.url.path == "/desktop/" and page.content_type == "text/html"
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert "unsafe" not in page.headers["Content-Security-Policy"]
    async with browser.http.get(f"{server.url}/desktop/assets/a-1.js") as script:
        assert "immutable" in script.headers["Cache-Control"]
    for outside in ("link.db", "..%2Fswitchroom.db", "%2e%2e/switchroom.db", "assets"):
        assert (await browser.ask("GET", f"/desktop/{outside}"))[0] == 404


async def test_given_an_admin_when_a_customer_is_erased_then_nobody_knows_them_the_next_call_neither(
    server: BridgeServer, client: Client
) -> None:
    boss = await client("admin")
    await server.ring()
    _, [found] = await boss.ask("GET", "/api/v1/customers?phone=13800138000")
    path = f"/api/v1/customers/{found['id']}"
    status, problem = await boss.ask("DELETE", path)
    assert (status, "on the line" in problem["detail"]) == (409, True)
    await server.answer()
    await server.end()
    with capture_logs() as log:
        assert (await boss.ask("DELETE", path))[0] == 204
    assert [entry["by"] for entry in log if entry["event"] == "audit.customer_erased"] == ["admin"]
    assert found["name"] not in str(log)
    assert (await boss.ask("GET", path))[0] == 404
    assert (await boss.ask("DELETE", path))[0] == 404
    _, story = await boss.ask("GET", "/api/v1/contacts/c1")
    assert found["name"] not in str(story)
    assert "13800138000" not in str(story)
    await server.ring("c2")
    await server.ledger.flush()
    _, later = await boss.ask("GET", "/api/v1/contacts/c2")
    assert (later["contact"]["customer_id"], later["contact"]["caller"]) == (None, "13800138000")


async def test_given_a_quiet_day_then_every_socket_hears_a_heartbeat(client: Client) -> None:
    socket = await (await client("other")).events()
    await receive(socket, "switchroom.hello")
    assert (await receive(socket, "switchroom.heartbeat"))["data"] is None


async def test_given_more_missed_events_than_are_told_again_then_the_gap_is_named(
    server: BridgeServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_REPLAYED", 2)
    agent = await client("agent")
    first = await receive(await agent.events(), "switchroom.hello")
    for reason in ("lunch", "meeting", "break", "training"):
        server.agents.move(AgentId("1001"), ev.AgentState.PAUSED, reason=reason)
    socket = await agent.events(f"?last={first['id']}")
    told = [await socket.receive_json() for _ in range(4)]
    assert [message["data"].get("reason") for message in told[:2]] == ["lunch", "meeting"]
    gap, hello = told[2:]
    assert (gap["type"], hello["type"]) == ("switchroom.gap", "switchroom.hello")
    assert (gap["data"]["from"], gap["data"]["to"]) == (told[1]["id"], hello["id"])
    server.agents.move(AgentId("1001"), ev.AgentState.AVAILABLE)
    assert (await receive(socket, "switchroom.agent.state.changed"))["data"]["state"] == "available"

    async with asyncio.timeout(5):
        again = await (await client("agent")).events(f"?last={gap['data']['to']}")
        assert (await again.receive_json())["type"] != "switchroom.gap"


async def test_given_a_second_server_on_the_database_when_a_browser_resumes_then_both_servers_events_come_once(
    server: BridgeServer, client: Client
) -> None:
    def visited(node: str) -> ev.NodeVisited:
        return ev.NodeVisited(at=server.clock.now(), contact_id=ContactId("c"), node=node)

    async def nodes(socket: Any, count: int) -> tuple[list[str], str]:
        found = [await receive(socket, "switchroom.node.visited") for _ in range(count)]
        return [message["data"]["node"] for message in found], found[-1]["id"]

    elsewhere = Bus()
    other = Ledger(server.database, elsewhere, server.clock, server="other")
    await other.start()
    program = await client("supervisor")
    board = await program.events()
    await receive(board, "switchroom.hello")
    elsewhere.publish(visited("other-1"))
    await other.flush()
    server.bus.publish(visited("here-1"))
    await server.ledger.flush()
    server.bus.publish(visited("here-2"))
    heard, last = await nodes(board, 2)
    assert heard == ["here-1", "here-2"]
    await board.close()

    elsewhere.publish(visited("other-2"))
    server.bus.publish(visited("here-3"))
    await other.flush()
    board = await program.events(f"?last={last}")
    heard, last = await nodes(board, 3)
    assert sorted(heard) == ["here-3", "other-1", "other-2"]
    server.bus.publish(visited("here-4"))
    heard, last = await nodes(board, 1)
    assert heard == ["here-4"]
    await board.close()

    server.bus.publish(visited("here-5"))
    elsewhere.publish(visited("other-3"))
    await other.stop()
    heard, _ = await nodes(await program.events(f"?last={last}"), 2)
    assert sorted(heard) == ["here-5", "other-3"]


async def test_given_a_database_that_is_locked_when_something_happens_then_the_desktops_hear_it_all_the_same(
    server: BridgeServer, client: Client, tmp_path: Path
) -> None:
    socket = await (await client("agent")).events()
    await receive(socket, "switchroom.hello")
    await server.ledger.flush()
    locker = sqlite3.connect(tmp_path / "switchroom.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    server.agents.move(AgentId("1001"), ev.AgentState.PAUSED, reason="lunch")
    assert (await receive(socket, "switchroom.agent.state.changed"))["data"]["reason"] == "lunch"
    assert server.ledger.backlog > 0
    locker.execute("ROLLBACK")
    locker.close()
    await server.ledger.flush()
