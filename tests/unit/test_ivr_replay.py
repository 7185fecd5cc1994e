"""Recorded calls, run again: the same effects; and no secret in any record."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.language.flow import Flow
from ivr.language.loader import load, parse
from ivr.machine import hung_up
from ivr.machine.effects import Effect, LookUp, Recorded, Say, Taken
from ivr.machine.inputs import MASKED, Digit, Input, NotUnderstood, PromptDone
from ivr.replay import KINDS, RecordedInput, ReplayError, decode, encode, replay, visits
from switchroom.domain import events as ev
from switchroom.domain.caller import Caller
from switchroom.domain.contact import CustomerTier, Outcome
from switchroom.domain.ids import CustomerId
from tests.support.brands import SHOP
from tests.support.menu_inputs import received_inputs, to_input
from tests.support.menu_walker import STRANGER, Walker

ROOT = Path(__file__).parents[2]
GOOD = ROOT / "tests/fixtures/menus/good"
ALL_VERBS, _ = load(GOOD / "all-verbs.yaml")
OPEN = [load(path)[0] for path in sorted((ROOT / "dialplans/menus").glob("*.yaml"))]
WITH_SECRETS = [ALL_VERBS, load(GOOD / "sub-flows.yaml")[0]]
CALLERS = [STRANGER, replace(STRANGER, tier=CustomerTier.GOLD, language="en-US")]


def whole_call(flow: Flow, caller: Caller, words: Sequence[tuple[str, object]]) -> list[Effect]:
    walker = Walker(flow, caller)
    for kind, value in words:
        walker.feed(to_input(walker.state, kind, value))
    return [*walker.effects, *hung_up(walker.state)]


def written(effects: Sequence[Effect]) -> list[RecordedInput]:
    """The records as they come back from a disk."""
    records = [asdict(encode(effect)) for effect in effects if isinstance(effect, Recorded)]
    return [RecordedInput(**record) for record in json.loads(json.dumps(records))]


def without_values(effect: Effect) -> Effect:
    """A lookup is the one effect that may hold a secret."""
    if not isinstance(effect, LookUp):
        return effect
    return replace(effect, arguments={name: MASKED * len(value) for name, value in effect.arguments.items()})


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(OPEN), st.sampled_from(CALLERS), received_inputs())
def test_given_any_recorded_call_then_its_replay_has_the_same_effects(
    flow: Flow, caller: Caller, words: list[tuple[str, object]]
) -> None:
    effects = whole_call(flow, caller, words)
    assert replay(flow, caller, written(effects)) == effects


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(WITH_SECRETS), st.sampled_from(CALLERS), received_inputs())
def test_given_any_recorded_call_with_secrets_then_its_replay_differs_in_nothing_but_their_value(
    flow: Flow, caller: Caller, words: list[tuple[str, object]]
) -> None:
    effects = whole_call(flow, caller, words)
    again = replay(flow, caller, written(effects))
    assert [without_values(effect) for effect in again] == [without_values(effect) for effect in effects]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(OPEN + WITH_SECRETS), received_inputs())
def test_every_input_that_is_taken_in_is_recorded_once(flow: Flow, words: list[tuple[str, object]]) -> None:
    effects = whole_call(flow, STRANGER, words)
    numbers = [effect.number for effect in effects if isinstance(effect, Recorded)]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


def recorded_keys(walker: Walker) -> str:
    records = [effect for effect in [*walker.effects, *hung_up(walker.state)] if isinstance(effect, Recorded)]
    in_order = sorted(records, key=lambda record: record.number)
    return "".join(record.received.digit for record in in_order if isinstance(record.received, Digit))


def test_given_a_secret_then_only_its_length_is_recorded() -> None:
    assert recorded_keys(Walker(ALL_VERBS).hear_out().press("2").press("4711")) == "2????"


def test_given_a_secret_typed_ahead_then_only_its_length_is_recorded() -> None:
    """When the keys come, a greeting is heard: that they are a secret is known only when they are used."""
    walker = Walker(ALL_VERBS).press("24711")
    assert recorded_keys(walker) == "?????", "of a caller who hangs up now"
    assert recorded_keys(walker.hear_out()) == "2????"


def test_given_keys_that_no_question_used_then_they_are_recorded_as_secrets() -> None:
    walker = Walker(ALL_VERBS).press("74711").hear_out()
    assert recorded_keys(walker) == "7????", "7 is no choice: the rest was dropped"


def test_given_open_digits_typed_ahead_then_they_are_recorded_as_pressed() -> None:
    assert recorded_keys(Walker(ALL_VERBS).press("11234#").hear_out()) == "11234#"


SPOKEN = """
ivr: 1
name: spoken
numbers: ["1000"]
languages: [en-US]
start: pin
defaults: {noinput: [x], nomatch: [y], give_up: {goto: bye}}
globals: {"0": {phrases: {en-US: [agent]}, goto: bye}}
nodes:
  pin:
    collect: Say your code.
    into: pin
    digits: {exactly: 4, speech: true}
    confirm: "{pin|digits}?"
    secret: true
    goto: bye
  bye: {hangup: z}
"""


@pytest.mark.parametrize(
    ("said", "kept"),
    [("four seven oh one", "????"), ("agent", "agent"), ("four seven please", ""), ("four", "?")],
)
def test_given_a_secret_that_is_spoken_then_only_its_length_is_recorded(said: str, kept: str) -> None:
    flow, _ = parse(SPOKEN, "spoken.yaml")
    walker = Walker(flow).speak(said)
    (heard,) = [record for record in written(walker.effects) if record.kind == "heard"]
    assert heard.received["text"] == kept
    again = replay(flow, STRANGER, written(walker.effects))
    assert [effect for effect in again if isinstance(effect, Taken)] == walker.all(Taken)
    assert len(again) == len(walker.effects)


@pytest.mark.parametrize(("key", "kept"), [("1", "1"), ("2", "2"), ("*", "*"), ("5", "?")])
def test_given_the_answer_whether_a_secret_was_right_then_it_is_recorded_but_no_digit_of_the_secret(
    key: str, kept: str
) -> None:
    flow, _ = parse(SPOKEN, "spoken.yaml")
    assert recorded_keys(Walker(flow).press("4711").press(key)) == f"????{kept}"


@pytest.mark.parametrize("said", ["yes", "four seven one one"])
def test_given_words_while_a_secret_is_confirmed_then_only_yes_or_no_is_recorded(said: str) -> None:
    flow, _ = parse(SPOKEN, "spoken.yaml")
    records = written(Walker(flow).press("4711").speak(said).effects)
    assert records[-1].received["text"] == (said if said == "yes" else "????")


def test_given_any_number_of_keys_ahead_then_those_beyond_the_bound_are_recorded_as_secrets() -> None:
    keys = recorded_keys(Walker(ALL_VERBS).press("2" + "4711" * 20).hear_out())
    assert keys[:1] == "2" and set(keys[1:]) == {MASKED} and len(keys) == 81


# From the event log

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
CALL = STRANGER.contact_id


def menu_events(flow: Flow, effects: Sequence[Effect]) -> Iterator[ev.ContactEvent]:
    yield ev.FlowStarted(at=NOON, contact_id=CALL, flow=flow.name, version=flow.version)
    for one in written(effects):
        yield ev.MenuInput(at=NOON, contact_id=CALL, number=one.number, kind=one.kind, received=one.received)


def test_given_a_contacts_events_then_each_visit_to_a_menu_is_replayed_for_the_caller_that_was_known_then() -> None:
    first = Walker(ALL_VERBS).hear_out().press("1")
    gold = replace(STRANGER, tier=CustomerTier.GOLD, customer_id=CustomerId(7), name="Li", language="en-US")
    second = Walker(ALL_VERBS, gold).hear_out().press("0").hear_out()
    assert second.path != first.path
    events = [
        ev.ContactEntered(
            at=NOON, contact_id=CALL, number=STRANGER.number, caller=STRANGER.phone, brand=STRANGER.brand.name
        ),
        *menu_events(ALL_VERBS, first.effects),
        ev.CustomerIdentified(
            at=NOON, contact_id=CALL, customer_id=gold.customer_id, tier=gold.tier, name="Li", language="en-US"
        ),
        *menu_events(ALL_VERBS, second.effects),
        ev.ContactEnded(at=NOON, contact_id=CALL, outcome=Outcome.ABANDONED),
    ]
    one, two = visits(events)
    assert (one.flow, one.version, one.caller, two.caller) == (ALL_VERBS.name, ALL_VERBS.version, STRANGER, gold)
    assert replay(ALL_VERBS, one.caller, one.inputs) == first.effects
    assert replay(ALL_VERBS, two.caller, two.inputs) == second.effects


BRANDED = """
ivr: 1
name: branded
numbers: ["4008123123"]
languages: [zh-CN, en-US]
start: welcome
defaults:
  noinput: [{zh-CN: 没有听到。, en-US: Nothing heard.}]
  nomatch: [{zh-CN: 没听懂。, en-US: Not understood.}]
  give_up: {goto: agent}
nodes:
  welcome:
    say: {zh-CN: "您好，{brand.title}，{brand.hours}。", en-US: "Hello, {brand.title}, {brand.hours}."}
    goto: agent
  agent: {queue: general}
"""


def test_given_a_brand_then_its_menus_say_its_values_and_a_replay_says_them_as_they_were() -> None:
    flow, findings = parse(BRANDED, "branded.yaml")
    assert findings == []
    walker = Walker(flow, replace(STRANGER, brand=SHOP, language="en-US")).hear_out()
    assert [prompt.text for said in walker.effects if isinstance(said, Say) for prompt in said.prompts] == [
        "Hello, Example Shop, 9–21."
    ]
    entered = ev.ContactEntered(at=NOON, contact_id=CALL, number="4008123123", caller="", brand=SHOP.name)
    english = ev.CustomerIdentified(at=NOON, contact_id=CALL, customer_id=None, language="en-US")
    started, *inputs = menu_events(flow, walker.effects)
    started = replace(started, brand_title=SHOP.title, arguments=SHOP.arguments)
    [visit] = visits([entered, english, started, *inputs])
    assert replay(flow, visit.caller, visit.inputs) == walker.effects


def test_given_a_contact_that_met_no_menu_then_there_is_no_visit() -> None:
    assert visits([ev.ContactEntered(at=NOON, contact_id=CALL, number="1", caller="2", brand=SHOP.name)]) == []


# The written form


@pytest.mark.parametrize("received", [Digit("1"), PromptDone(3), NotUnderstood(2)])
def test_an_input_is_written_and_read_back(received: Input) -> None:
    assert decode(encode(Recorded(4, received))) == received


def test_every_kind_of_input_has_a_name() -> None:
    assert set(KINDS.values()) == set(Input.__args__)


@pytest.mark.parametrize(
    ("kind", "data"), [("shout", {}), ("digit", {"key": "1"}), ("digit", {}), ("prompt_done", {"turn": 1, "x": 2})]
)
def test_given_a_record_that_is_none_then_it_is_refused(kind: str, data: dict[str, object]) -> None:
    with pytest.raises(ReplayError):
        decode(RecordedInput(1, kind, data))


def test_given_an_input_that_is_erased_then_the_refusal_says_so() -> None:
    with pytest.raises(ReplayError, match="`digit`: what the menu took in is erased"):
        decode(RecordedInput(1, "digit", {}))
