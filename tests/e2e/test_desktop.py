"""The agent's desktop in a real browser while a real call comes: the record is on the screen before the phone rings."""

import asyncio
from datetime import datetime
from pathlib import Path

import pytest
from playwright.async_api import expect

from demo.desk import open_desk
from demo.people import Stage, dial
from demo.scenario import CHINESE, WANG_FANG
from demo.softphone import Softphone
from demo.system import System, until
from demo.voices import record_voices
from tests.e2e.whole_system import asks_for_returns, newest_call, own_settings, until_call
from tests.fixtures.desktop_page import browser_context, log_in, until_noted


@pytest.mark.timeout(120)
async def test_the_record_is_drawn_before_the_phone_rings_and_the_ticket_is_closed_there(
    monkeypatch: pytest.MonkeyPatch, short_home: Path
) -> None:
    system = System(own_settings(monkeypatch, short_home))
    accounts = await system.start()
    stage = Stage(accounts, record_voices(short_home / "voices"))
    account = accounts.agents[0]
    try:
        board = await stage.supervisor()
        async with browser_context() as context:
            page = await context.new_page()
            with Softphone(stage.server, account.agent, account.sip_password, answer_after_s=1.0) as phone:
                await page.goto(f"{accounts.http}/desktop")
                await log_in(page, login=account.login, password=account.password)
                call = await dial(await stage.customer(WANG_FANG), CHINESE)
                await until_call(board, WANG_FANG, lambda found: "main" in found.get("path", []), "main")
                call.press("2")
                await expect(page.locator(".pop .pop-name")).to_have_text("王芳", timeout=20_000)
                await until(lambda: bool(phone.history and phone.history[0].rang_at), "the phone rings")
                await until_call(board, WANG_FANG, lambda found: bool(found["answered_at"]), "answered")
                found = await newest_call(board, WANG_FANG)
                rang_at = phone.history[0].rang_at
                assert rang_at is not None
                assert datetime.fromisoformat(found["shown_at"]) < rang_at
                assert datetime.fromisoformat(found["popped_at"]) <= datetime.fromisoformat(found["shown_at"])

                await until_call(board, WANG_FANG, lambda found: bool(found["ticket_id"]), "ticket")
                found = await newest_call(board, WANG_FANG)
                await expect(page.locator(f"[data-ticket='{found['ticket_id']}']")).to_be_visible()
                call.play(stage.voices["caller-zh"])
                await until(lambda: len(call.heard()) > 8000, "a second of conversation")
                call.hang_up()
                await until_call(board, WANG_FANG, lambda found: found["outcome"] == "connected", "ended")
                await page.locator(".disposition", has_text="退款").click()
                await page.locator(".ticket-actions .primary").click()
                await until_call(board, WANG_FANG, lambda found: found["disposition"] == "refund", "closed")
    finally:
        await stage.close()
        await system.stop()


@pytest.mark.timeout(120)
async def test_given_a_killed_server_while_the_agent_types_then_the_whole_note_is_on_the_ticket(
    monkeypatch: pytest.MonkeyPatch, short_home: Path
) -> None:
    system = System(own_settings(monkeypatch, short_home))
    accounts = await system.start()
    stage = Stage(accounts, record_voices(short_home / "voices"))
    account = accounts.agents[0]
    try:
        board = await stage.supervisor()
        async with browser_context() as context:
            page = await context.new_page()
            with Softphone(stage.server, account.agent, account.sip_password, answer_after_s=0.5):
                await page.goto(f"{accounts.http}/desktop")
                await log_in(page, login=account.login, password=account.password)
                await asks_for_returns(stage, board, WANG_FANG)
                await until_call(board, WANG_FANG, lambda found: bool(found.get("ticket_id")), "ticket")
                ticket = (await newest_call(board, WANG_FANG))["ticket_id"]
                note = page.locator(f"[data-ticket='{ticket}'] textarea")
                await note.focus()
                typing = asyncio.create_task(page.keyboard.type("typed while the server was killed", delay=60))
                await system.kill_server()
                await typing
                await expect(page.locator(".link-lost")).to_be_visible()
                await system.start_server()
                async with open_desk(accounts.http, accounts.supervisor_login, accounts.supervisor_password) as again:
                    await until_noted(again, ticket, "typed while the server was killed")
    finally:
        await stage.close()
        await system.stop()
