"""Calls, customers, tickets and recordings over the API."""

import wave
from pathlib import Path

from structlog.testing import capture_logs

from switchroom.domain.call import CallState
from switchroom.domain.events import AgentState
from switchroom.domain.ids import AgentId, ContactId, Extension
from tests.fixtures.api_client import Client
from tests.fixtures.bridge_server import BridgeServer


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
    status, problem = await agent.ask("POST", path, json={"agent": "1002"})
    assert (status, problem["detail"]) == (409, "Agent 1002 is busy.")
    assert server.calls.asked[5:] == [], "who is asked already is not asked for again"
    server.agents.move(AgentId("1002"), AgentState.AVAILABLE)
    server.calls.refusal = "Asterisk does not answer"
    assert (await agent.ask("POST", path, json={"agent": "1002"}))[0] == 409
    consulted = server.agents.agent(AgentId("1002"))
    assert consulted is not None and consulted.state is AgentState.AVAILABLE
    server.calls.refusal = None
    assert (await agent.ask("POST", path, json={"agent": "9999"}))[0] == 422
    server.agents.move(AgentId("1002"), AgentState.BUSY, contact_id=ContactId("c8"))
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


async def test_given_an_agent_whose_phone_rings_then_the_callers_call_is_not_theirs_to_end(
    server: BridgeServer, client: Client
) -> None:
    server.calls.add(ContactId("c9"), AgentId("1001"), CallState.OFFERED)
    agent, supervisor = await client("agent"), await client("supervisor")
    status, problem = await agent.ask("POST", "/api/v1/contacts/c9/actions/hangup")
    assert (status, problem["detail"]) == (409, "You have not answered this call.")
    assert server.calls.hung_up == []
    assert (await supervisor.ask("POST", "/api/v1/contacts/c9/actions/hangup"))[0] == 204


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
    assert {entry["kind"] for entry in timeline} == {"contact", "ticket", "order"}
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


async def test_given_an_admin_when_a_strangers_number_is_erased_then_it_is_nowhere_and_not_in_the_log(
    server: BridgeServer, client: Client
) -> None:
    boss, stranger = await client("admin"), "13977712345"
    path = f"/api/v1/persons?phone={stranger}"
    await server.ring(caller=stranger)
    assert (await boss.ask("DELETE", path))[0] == 409
    await server.answer()
    await server.end()
    assert (await (await client("supervisor")).ask("DELETE", path))[0] == 403
    status, problem = await boss.ask("DELETE", "/api/v1/persons?phone=13800138000")
    assert status == 409 and "erase the customer" in problem["detail"]
    with capture_logs() as log:
        assert (await boss.ask("DELETE", path))[0] == 204
    assert [entry["by"] for entry in log if entry["event"] == "audit.number_erased"] == ["admin"]
    assert stranger not in str(log)
    assert stranger not in str((await boss.ask("GET", "/api/v1/contacts/c1"))[1])
    assert (await boss.ask("DELETE", path))[0] == 404
    assert (await boss.ask("DELETE", "/api/v1/persons"))[0] == 422
