"""The interpreter, input by input: what is looked up, where callers end, and what holds of any inputs."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.language.flow import Flow
from ivr.language.loader import parse
from ivr.language.surroundings import Surroundings
from ivr.machine import Phase, handler, step
from ivr.machine.effects import (
    Enqueue,
    Finish,
    HandBack,
    Resolved,
    StartTimer,
    Undecided,
)
from ivr.machine.inputs import (
    Digit,
    Found,
    Heard,
    Input,
    NotFound,
    NotUnderstood,
    PromptDone,
    SpeechStarted,
    TimedOut,
    Unavailable,
    Unspoken,
)
from switchroom.domain.caller import Caller
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.ids import QueueName
from tests.support.menu_inputs import received_inputs, to_input
from tests.support.menu_walker import STRANGER, Walker
from tests.support.sample_flows import ALL_VERBS, FLOWS, GOLD, at_main, in_flow


def in_lookup() -> Walker:
    return at_main().press("11234#1")


def test_given_a_record_then_conditions_and_texts_see_it() -> None:
    assert in_lookup().find(status="shipped", status_zh="已发货", total=20.0).said == ["订单已发货。"]
    assert in_lookup().find(total=1000.5).path[-1] == "agent"
    undecided = in_lookup().find(total="much")
    assert undecided.path[-1] == "bye", "a condition that cannot be decided does not hold"
    assert undecided.one(Undecided).node == "decide"


def test_given_no_record_then_it_says_so_and_goes_where_the_flow_says() -> None:
    walker = in_lookup()
    walker.feed(NotFound(walker.state.turn))
    assert walker.said == ["没有幺二三四。"]
    assert walker.hear_out().path[-1] == "order"


def test_given_a_source_that_fails_then_a_human() -> None:
    walker = in_lookup()
    assert walker.feed(Unavailable(walker.state.turn)).path[-1] == "agent"


def test_given_keys_during_a_lookup_then_they_wait_for_the_next_question() -> None:
    walker = in_lookup().press("4321#")
    walker.feed(NotFound(walker.state.turn))
    assert walker.state.phase is Phase.CONFIRMING
    assert walker.state.values["number"] == "4321"


def test_the_queue_gets_what_agents_need() -> None:
    walker = in_flow(caller=GOLD).hear_out().press("1*0").hear_out()
    assert walker.one(Enqueue) == Enqueue(
        Requirements(QueueName("general"), {"lang:en": 1, "order": 3}, CustomerTier.GOLD),
        {"topic": "order", "note": "tier gold", "language": "en-US"},
    )


def test_a_skill_that_renders_empty_is_not_required() -> None:
    assert at_main().press("0").hear_out().one(Enqueue).requirements.skills == {"lang:zh": 1}


def test_given_skills_made_of_a_callers_values_then_only_those_of_the_house_are_asked_for() -> None:
    asked = '{queue: general, skills: {"for:{caller.phone}": 1, "of:{caller.name}": 1, "lang:{lang|base}": 2}}'
    caller = replace(GOLD, phone="13800138000", name="anna")
    for has, skills in (
        ({"lang:en": 2}, {"lang:en": 2}),
        ({"lang:en": 2, "of:anna": 3}, {"lang:en": 2, "of:anna": 1}),
    ):
        around = Surroundings(queues={"general": {}}, agents=[has], sources={})
        walker = in_flow(one_node("agent", asked, around=around), caller=caller)
        assert walker.one(Enqueue).requirements.skills == skills


def test_given_a_goodbye_then_the_call_is_finished_after_it() -> None:
    walker = in_lookup().find(status="x", status_zh="y").hear_out()
    assert walker.said == ["再见。"]
    assert walker.all(Finish) == []
    assert walker.hear_out().last == (Finish(),)


@pytest.mark.parametrize(("resolves", "counts"), [("", 0), (", resolves: true", 1)])
def test_a_goodbye_that_is_heard_counts_as_service_only_where_the_flow_says_so(resolves: str, counts: int) -> None:
    walker = in_flow(one_node("bye", "{hangup: We are closed." + resolves + "}"))
    assert walker.all(Resolved) == [], "not heard yet"
    assert len(walker.hear_out().all(Resolved)) == counts
    assert walker.last[-1] == Finish()


def test_given_a_short_question_then_it_is_put_when_the_question_is_put_again() -> None:
    flow = one_node(
        "bye",
        "{hangup: z}",
        """
  ask: {menu: For tea press 1., short: Tea 1., choices: {"1": {goto: bye}}}""",
        start="ask",
    )
    walker = in_flow(flow)
    assert walker.said == ["For tea press 1."]
    assert walker.hear_out().time_out().said == ["x", "Tea 1."]
    assert walker.press("7").said == ["y", "Tea 1."]


@pytest.mark.parametrize("node", ["welcome", "ask"])
def test_given_no_voice_then_the_caller_is_handed_back_with_what_is_known(node: str) -> None:
    flow = one_node(
        "bye",
        "{hangup: z}",
        """
  welcome: {say: Hello., goto: ask}
  ask: {menu: For tea press 1., choices: {"1": {goto: bye}}}""",
        start=node,
    )
    walker = in_flow(flow)
    assert walker.feed(Unspoken(walker.state.turn)).last == (HandBack("no voice", {"language": "en-US"}),)
    assert walker.state.phase is Phase.ENDED


def test_given_no_voice_for_the_word_before_a_queue_then_the_caller_waits_there() -> None:
    walker = in_flow(one_node("agent", "{queue: general, say: One moment.}"))
    (enqueued,) = walker.feed(Unspoken(walker.state.turn)).last
    assert isinstance(enqueued, Enqueue)


def one_node(
    name: str, node: str, more: str = "", start: str | None = None, around: Surroundings | None = None
) -> Flow:
    text = f"""
ivr: 1
name: small
numbers: ["1000"]
languages: [en-US]
start: {start or name}
defaults: {{noinput: [x], nomatch: [y], give_up: {{goto: {name}}}}}
nodes:
  {name}: {node}{more}
"""
    return parse(text, "small", surroundings=around)[0]


def test_given_the_end_then_nothing_more_happens() -> None:
    walker = at_main().press("0").hear_out()
    ended = walker.state
    for late in (Digit("1"), PromptDone(ended.turn), TimedOut(ended.timer), Heard(ended.turn, "人工", 1.0)):
        assert step(ALL_VERBS, ended, late) == (ended, ())


@pytest.mark.parametrize(
    "late", [PromptDone(0), TimedOut(0), Heard(0, "订单", 0.9), NotUnderstood(0), Found(0, {}), SpeechStarted(0)]
)
def test_what_belongs_to_an_older_turn_is_ignored(late: Input) -> None:
    state = at_main().state
    assert step(ALL_VERBS, state, late) == (state, ())


def test_given_a_circle_that_lint_cannot_see_then_the_caller_is_handed_back() -> None:
    text = """
ivr: 1
name: circle
numbers: ["1000"]
languages: [en-US]
start: a
defaults: {noinput: [x], nomatch: [y], give_up: {goto: bye}}
nodes:
  a: {lookup: s, into: r, ok: ask, not_found: ask, error: bye}
  ask: {menu: m, choices: {"1": {goto: a}}, give_up: {goto: bye}}
  bye: {hangup: z}
"""
    flow, _ = parse(text, "circle.yaml")
    walker = in_flow(flow)
    walker.state = replace(walker.state, nodes_without_input=100)
    assert walker.find().one(HandBack).reason == "endless"


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FLOWS), st.sampled_from([STRANGER, GOLD]), received_inputs())
def test_with_any_inputs_the_machine_stays_sound(
    flow: Flow, caller: Caller, received: list[tuple[str, object]]
) -> None:
    walker = in_flow(flow, caller)
    for kind, value in received:
        before, kept = walker.state, walker.state.copy()
        walker.feed(to_input(before, kind, value))
        after = walker.state
        assert before == kept, "a state is a value: a step changes its own copy"
        if handler(flow, before, to_input(before, kind, value)) is None:
            assert after == before
        assert after.turn >= before.turn
        assert after.node in flow.scope(after.frame.scope).nodes
        assert len(walker.all(Enqueue) + walker.all(Finish) + walker.all(HandBack)) == (after.phase is Phase.ENDED)
        if after.phase in (Phase.TELLING, Phase.LEAVING):
            assert after.speaking, "nobody waits in silence"
        if after.phase in (Phase.ASKING, Phase.CONFIRMING) and not after.speaking:
            assert any(isinstance(effect, StartTimer) for effect in walker.effects), "nobody waits for ever"


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(FLOWS), st.sampled_from([STRANGER, GOLD]), received_inputs())
def test_from_anywhere_a_caller_who_falls_silent_arrives(
    flow: Flow, caller: Caller, received: list[tuple[str, object]]
) -> None:
    walker = in_flow(flow, caller)
    for kind, value in received:
        walker.feed(to_input(walker.state, kind, value))
    walker.fall_silent()
