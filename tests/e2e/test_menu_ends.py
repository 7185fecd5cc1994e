"""How a call counts that ends with the menu's good-bye."""

from pathlib import Path

import pytest

from demo.people import Stage, dial
from demo.system import System
from demo.voices import record_voices
from tests.e2e.whole_system import own_settings, until_call

CLOSED, ANSWERED = "4008123198", "4008123199"
MENU = """
ivr: 1
name: {name}
numbers: ["{number}"]
languages: [en-US]
start: word
defaults: {{noinput: [Nothing heard.], nomatch: [Not understood.], give_up: {{goto: word}}}}
nodes:
  word: {{hangup: "{text}"{more}}}
"""


@pytest.mark.timeout(120)
async def test_given_a_goodbye_then_the_call_is_self_service_only_where_the_menu_says_that_it_serves(
    monkeypatch: pytest.MonkeyPatch, short_home: Path
) -> None:
    settings = own_settings(monkeypatch, short_home)
    for name, number, text, more in (
        ("closed", CLOSED, "We are closed.", ""),
        ("answered", ANSWERED, "We open at nine.", ", resolves: true"),
    ):
        menu = MENU.format(name=name, number=number, text=text, more=more)
        (settings.dialplans / "menus" / f"{name}.yaml").write_text(menu, encoding="utf-8")
    system = System(settings)
    stage = Stage(await system.start(), record_voices(short_home / "voices"))
    try:
        board = await stage.supervisor()
        for number, caller, outcome in (
            (CLOSED, "13512340001", "abandoned"),
            (ANSWERED, "13512340002", "self_service"),
        ):
            await dial(await stage.customer(caller), number)
            await until_call(board, caller, lambda found: bool(found.get("outcome")), "ended")
            await until_call(board, caller, lambda found, end=outcome: found["outcome"] == end, outcome, 1)  # type: ignore[misc]
    finally:
        await stage.close()
        await system.stop()
