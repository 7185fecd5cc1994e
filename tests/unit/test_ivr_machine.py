"""The interpreter, input by input, on a flow with every verb: prompts, keys, digits, speech."""

import pytest

from ivr.language.loader import load
from ivr.machine import Phase
from ivr.machine.effects import (
    Enqueue,
    Grammar,
    Listen,
    LookUp,
    Prompt,
    Resolved,
    Say,
    StartTimer,
    StopListening,
    StopPrompt,
    Taken,
    Visited,
)
from ivr.machine.inputs import (
    Heard,
    Input,
    NotUnderstood,
    SpeechStarted,
    TimedOut,
)
from switchroom.domain.events import InputKind
from tests.support.sample_flows import FLOWS, GOLD, MENUS, at_main, in_flow


def test_given_an_answer_that_resolves_was_heard_then_the_call_counts_as_resolved_and_not_before() -> None:
    order = {"number": "20260105", "status_zh": "运输中", "carrier": "顺丰", "eta": "2026-01-09", "total": 2399}
    walker = in_flow(load(MENUS / "shop-400.yaml")[0]).hear_out().press("1").press("20260105#").find(**order)
    assert walker.path[-1] == "tell_order"
    assert walker.all(Resolved) == []
    assert walker.hear_out().all(Resolved) == [Resolved()]
    assert walker.hear_out().path[-2:] == ["tell_delivery", "anything_else"]


def test_a_greeting_in_every_language_begins_with_the_callers_own() -> None:
    assert [p.text for p in in_flow().one(Say).prompts] == ["您好。", "Hello."]
    assert [p.language for p in in_flow(caller=GOLD).one(Say).prompts] == ["en-US", "zh-CN"]


def test_given_a_known_caller_then_conditions_see_the_tier_and_variables_are_set() -> None:
    walker = in_flow(caller=GOLD).hear_out()
    assert walker.path == ["hello", "vip", "main"]
    assert walker.state.values == {"topic": "vip", "note": "tier gold"}


def test_a_menu_speaks_and_listens_at_once() -> None:
    walker = at_main()
    assert walker.last == (
        Visited("main"),
        Say(walker.state.turn, (Prompt("订单按1，密码按2。", "zh-CN", "main-menu", static=True),)),
        Listen(walker.state.turn, Grammar("zh-CN", ("人工", "订单"))),
    )
    assert walker.hear_out().one(StartTimer).seconds == 5


def test_given_a_key_during_the_prompt_then_it_stops_and_the_key_is_taken() -> None:
    walker = at_main().press("1")
    assert walker.last[:4] == (StopPrompt(), Taken("main", InputKind.DTMF, "1"), StopListening(), Visited("order"))
    assert walker.state.values["topic"] == "order"


def test_given_keys_typed_ahead_then_their_prompts_are_never_heard() -> None:
    walker = in_flow().press("12345")
    assert walker.path == ["hello"], "this greeting may not be interrupted"
    walker.hear_out()
    assert walker.path == ["hello", "main", "order"]
    assert walker.state.digits == "2345"
    assert walker.said == []
    assert walker.press("#").said == ["二三四五，对吗？"]


def test_given_a_greeting_that_may_be_interrupted_then_a_key_ends_it() -> None:
    walker = in_flow(FLOWS[1]).press("2")
    assert walker.path == ["welcome", "main", "returns"]
    assert StopPrompt() in walker.last


def test_given_a_wrong_key_then_it_says_so_and_asks_again() -> None:
    walker = at_main().press("7")
    assert walker.said == ["没听懂。", "订单按1，密码按2。"]
    assert walker.last[0] == StopPrompt()


def test_given_wrong_keys_typed_ahead_then_the_rest_is_dropped() -> None:
    walker = in_flow().press("7111").hear_out()
    assert walker.path == ["hello", "main"]
    assert walker.state.typed == ""


def test_given_silence_then_the_texts_escalate_and_it_gives_up_in_the_queue() -> None:
    walker = in_flow().hear_out().press("1").hear_out().time_out()
    assert walker.said[0] == "没有听到。"
    assert walker.hear_out().time_out().said[0] == "请按键。"
    assert walker.hear_out().time_out().path[-1] == "agent"
    assert walker.hear_out().one(Enqueue).requirements.queue == "general"


def test_a_nodes_own_words_replace_the_defaults() -> None:
    assert at_main().hear_out().time_out().said[0] == "重听按3。"


def test_the_global_keys_reach_a_human_go_back_and_switch_the_language() -> None:
    assert at_main().press("0").path[-1] == "agent"
    assert at_main().press("1*").path == ["hello", "main", "order", "main"]
    assert at_main().press("*").path == ["hello", "main", "main"], "nothing before: the same question"
    assert at_main().press("9").said == ["Orders, 1. Code, 2."]
    assert at_main().press("3").path == ["hello", "main", "main"]


def test_given_the_finish_key_then_the_digits_are_complete() -> None:
    walker = at_main().press("1").press("1234#")
    assert walker.state.phase is Phase.CONFIRMING
    walker.press("1")
    assert walker.one(LookUp) == LookUp(walker.state.turn, "orders", {"number": "1234"}, 0.5, 1)
    assert walker.all(Taken)[-1] == Taken("order", InputKind.DTMF, "1234")


def test_given_the_most_digits_then_they_are_complete_and_a_late_finish_key_is_ignored() -> None:
    walker = at_main().press("112345678#")
    assert walker.state.phase is Phase.CONFIRMING
    assert walker.state.misses == 0
    assert walker.press("1").state.phase is Phase.WAITING


def test_given_a_timer_of_the_digits_then_it_does_not_disturb_the_next_prompt() -> None:
    walker = at_main().press("11234")
    late = walker.state.timer
    walker.press("#").feed(TimedOut(late))
    assert walker.last == ()


def test_given_a_pause_between_digits_then_what_was_typed_counts() -> None:
    walker = at_main().press("11234")
    assert walker.one(StartTimer).seconds == 2
    assert walker.time_out().state.phase is Phase.CONFIRMING


def test_given_too_few_digits_then_it_asks_again() -> None:
    walker = at_main().press("112#")
    assert walker.said == ["没听懂。", "请输入订单号。"]
    assert walker.state.digits == ""


@pytest.mark.parametrize("denial", ["2", "*"])
def test_given_a_denial_then_it_asks_once_more_and_nothing_was_taken(denial: str) -> None:
    walker = at_main().press("11234#").press(denial)
    assert walker.state.phase is Phase.ASKING
    assert walker.path[-1] == "order"
    assert [taken.node for taken in walker.all(Taken)] == ["main"]
    assert walker.press("5678#1").one(LookUp).arguments == {"number": "5678"}


def test_given_nothing_sensible_while_confirming_then_the_confirmation_is_repeated_and_bounded() -> None:
    walker = at_main().press("11234#")
    assert walker.press("5").said == ["没听懂。", "一二三四，对吗？".replace("一", "幺")]
    assert walker.hear_out().time_out().said[0] == "请按键。"
    assert walker.hear_out().time_out().path[-1] == "agent"


def test_a_secret_is_masked_and_shown_to_nobody() -> None:
    walker = at_main().press("24711").hear_out()
    assert walker.all(Taken)[-1] == Taken("pin", InputKind.DTMF, "****")
    assert walker.one(Enqueue).collected == {"language": "zh-CN"}, "nor what was made of it"


def test_given_a_phrase_then_its_choice_is_taken() -> None:
    walker = at_main().speak("订单", 0.8)
    assert walker.all(Taken) == [Taken("main", InputKind.SPEECH, "订单", 0.8)]
    assert walker.path[-1] == "order"


def test_given_speech_then_the_prompt_stops_and_silence_is_not_counted_meanwhile() -> None:
    walker = at_main().feed(SpeechStarted(2))
    assert walker.last[0] == StopPrompt()
    assert walker.one(StartTimer).seconds > 10


@pytest.mark.parametrize(("text", "confidence"), [("订单", 0.59), ("人参", 0.99)])
def test_given_a_doubtful_or_foreign_phrase_then_it_is_no_match(text: str, confidence: float) -> None:
    walker = at_main().speak(text, confidence)
    assert walker.said[0] == "没听懂。"
    assert walker.all(Taken) == []


def test_digits_may_be_spoken_and_confirmed_by_word() -> None:
    walker = at_main().press("91").speak("four seven oh one").speak("right")
    assert walker.all(Taken)[-1] == Taken("order", InputKind.SPEECH, "4701", 0.9)
    assert walker.one(LookUp).arguments == {"number": "4701"}


def test_given_no_said_then_it_asks_once_more() -> None:
    walker = at_main().press("914701#").speak("wrong")
    assert walker.state.phase is Phase.ASKING


@pytest.mark.parametrize("noise", [(SpeechStarted, NotUnderstood), (NotUnderstood,)])
def test_given_a_noise_between_typed_digits_then_they_are_kept(noise: tuple[type[Input], ...]) -> None:
    walker = in_flow(FLOWS[2]).hear_out().press("1").hear_out()
    assert walker.path[-1] == "ask_order"
    assert walker.state.listening, "for `agent`"
    assert walker.press("2").one(StopListening)
    walker.press("0260")
    timer = walker.state.timer
    for kind in noise:
        assert walker.feed(kind(walker.state.turn)).last == ()
    assert walker.state.timer == timer
    assert walker.press("103").one(LookUp).arguments == {"number": "20260103"}


def test_given_speech_under_way_when_the_first_digit_comes_then_the_digits_win() -> None:
    walker = in_flow(FLOWS[2]).hear_out().press("1").hear_out()
    walker.feed(SpeechStarted(walker.state.turn)).press("2")
    assert walker.one(StopListening) and walker.one(StartTimer).seconds == 3
    assert walker.feed(Heard(walker.state.turn, "agent", 0.9)).last == ()
    assert walker.press("#").said[0] == "Sorry, I did not get that."
    assert walker.state.listening, "the question is asked anew"
