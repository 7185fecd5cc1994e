"""The routes: who is let in, what is served, and how it says no."""

from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from cti_bridge.http.app import ROUTES
from cti_bridge.http.route import Route
from switchroom.domain.user import RIGHTS, Role
from tests.fixtures.api_client import Client
from tests.fixtures.bridge_server import BridgeServer


@pytest.mark.untraced
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


@pytest.mark.untraced
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


@pytest.mark.parametrize(
    "body",
    [
        '{"state": "busy"}',
        '{"state": "paused", "reason": "<script>"}',
        '{"state": "paused", "more": 1}',
        '{"state": "paused", "reason": "call_13800138000"}',
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
