"""What each role sees and may do."""

from datetime import timedelta

from tests.fixtures.api_client import Client, receive
from tests.fixtures.bridge_server import BridgeServer


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
    *_, decision = (await agent.ask("GET", "/api/v1/contacts/c1/decision"))[1]["decisions"]
    assert (decision["kind"], decision["agent"], decision["offer"]) == ("assign", "1001", "offer-c1")


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
