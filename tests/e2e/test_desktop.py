"""The agent's desktop in a real browser while a real call comes: the record is on the screen before the phone rings."""

from datetime import datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from demo.people import Stage, dial
from demo.scenario import CHINESE, WANG_FANG
from demo.softphone import Softphone
from demo.system import System, until
from demo.voices import record_voices
from tests.e2e.whole_system import newest_call, own_settings, until_call

CHROMIUM = "/usr/bin/chromium"
OPTIONS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


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
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
            context = await browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
            page = await context.new_page()
            with Softphone(stage.server, account.agent, account.sip_password, answer_after_s=1.0) as phone:
                await _come_in(page, accounts.http, account.login, account.password)
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
            await browser.close()
    finally:
        await stage.close()
        await system.stop()


async def _come_in(page: Page, url: str, login: str, password: str) -> None:
    await page.goto(f"{url}/desktop")
    await page.fill("[name=login]", login)
    await page.fill("[name=password]", password)
    await page.click("button.primary")
    await page.click("button.ready")
    await expect(page.locator("[data-state=available]")).to_be_visible()
