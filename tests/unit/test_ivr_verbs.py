"""The verbs: each is one file, whose example runs and stands in the guide; and sub-flows, called and left."""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ivr.language.lint import lint
from ivr.language.loader import MENUS, load, parse
from ivr.language.menus import nodes
from ivr.language.verb import Verb
from ivr.machine import GENERAL, Phase, effects
from ivr.machine.inputs import NotFound, Unavailable, Unspoken
from ivr.machine.step import MAX_FRAMES
from ivr.verbs import VERBS
from ivr.verbs.flow import CallFlow
from switchroom.runtime import yamlfile
from switchroom.runtime.yamlfile import YamlError
from tests.support.example_menu import MENU, example_flow
from tests.support.menu_walker import Walker
from tests.support.toy_verb import AnyKey

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/ivr.md").read_text(encoding="utf-8")
ALL = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.verb)
SUB_FLOWS, _ = load(ROOT / "tests/fixtures/menus/good/sub-flows.yaml")


@ALL
def test_given_a_verbs_example_then_it_is_sound_and_every_caller_who_does_nothing_arrives(verb: type[Verb]) -> None:
    flow, findings = example_flow(verb)
    assert [finding for finding in findings if finding.code != "IVR110"] == []
    assert any(type(node) is verb for _, node in nodes(flow.menus))
    walker = Walker(flow).press("1").fall_silent()
    assert walker.path[1] == verb.example.strip().partition(":")[0] or verb.example.startswith("\nflows")


@ALL
def test_a_verbs_example_is_the_one_in_the_guide(verb: type[Verb]) -> None:
    assert f"```yaml\n{verb.example.strip()}\n```" in GUIDE
    assert f"| `{verb.verb}` |" in GUIDE, "in the table of verbs"


@ALL
def test_a_verb_has_a_picture_and_says_what_it_is(verb: type[Verb]) -> None:
    flow, _ = example_flow(verb)
    picture = next(node for _, node in nodes(flow.menus) if type(node) is verb).picture()
    assert picture.label and picture.kind in {"question", "say", "data", "decision", "action", "call", "end"}
    assert verb.__doc__ and verb.__doc__ != Verb.__doc__


@pytest.mark.parametrize("table", [*(verb.inputs for verb in VERBS), GENERAL])
def test_every_row_of_a_table_is_for_the_input_that_its_method_takes(table: dict[tuple[Phase, type], object]) -> None:
    for (_, kind), method in table.items():
        assert callable(method)
        *_, received = inspect.signature(method).parameters.values()
        assert received.annotation is kind or received.annotation == kind.__name__


def test_no_verb_hides_another() -> None:
    """A node has the first verb whose key it has: a setting named like a verb must stand behind that verb."""
    names = [verb.verb for verb in VERBS]
    assert len(set(names)) == len(names)
    for index, verb in enumerate(VERBS):
        settings = {field.alias or name for name, field in verb.model_fields.items()} - {verb.verb}
        assert settings.isdisjoint(names[:index]), f"{verb.verb} is never found where such a setting is written"


# A verb that the product does not have


def with_toy() -> Sequence[type[Verb]]:
    return (*VERBS, AnyKey)


def test_given_a_verb_in_one_file_then_flows_are_checked_and_run_with_it() -> None:
    flow, findings = example_flow(AnyKey, with_toy())
    assert findings == []
    walker = Walker(flow).press("1").press("7")
    assert walker.path == ["main", "ready", "bye"]
    assert walker.state.values == {"key": "7"}
    assert Walker(flow).press("1").hear_out().time_out().path[-1] == "bye"


def test_given_a_verb_in_one_file_then_its_own_rules_hold() -> None:
    nodes = "  ready: {any_key: {zh-CN: 请按键。, en-US: Press a key.}, into: caller, goto: bye}"
    with pytest.raises(YamlError, match="TOY001 `caller` is taken"):
        parse(MENU.replace("FIRST", "ready") + nodes, "toy", verbs=with_toy())
    with pytest.raises(YamlError, match="unknown key `goot`; did you mean `goto`"):
        parse(MENU.replace("FIRST", "ready") + nodes.replace("goto", "goot"), "toy", verbs=with_toy())


def test_a_verb_that_is_not_in_the_list_is_none() -> None:
    with pytest.raises(YamlError, match=r"a node has a verb: menu, collect, .* or when"):
        example_flow(AnyKey)


# Sub-flows


def at_card() -> Walker:
    return Walker(SUB_FLOWS).press("1")


def at_check() -> Walker:
    return at_card().press("1234").press("4711")


def test_given_a_call_then_the_sub_flow_sees_its_arguments_and_nothing_else() -> None:
    walker = at_card()
    assert walker.said == ["The card number for balance."]
    assert walker.path == ["main", "member", "verify.card"]
    assert [dict(frame.values) for frame in walker.state.frames] == [{"topic": "balance"}, {"what": "balance"}]


def test_given_a_call_in_a_call_then_it_returns_to_where_it_was_called_and_a_secret_stays_one() -> None:
    walker = at_check()
    assert walker.path[-4:] == ["verify.pin", "ask_pin.ask", "ask_pin.done", "verify.check"]
    assert walker.one(effects.LookUp).arguments == {"number": "1234", "pin": "4711"}
    assert walker.state.secrets == {"pin"}
    assert [taken.value for taken in walker.all(effects.Taken)] == ["1", "1234", "****"]


def test_given_a_return_then_its_values_are_the_callers_and_the_sub_flows_own_are_gone() -> None:
    walker = at_check().find(name="Li", limit="9")
    assert walker.path[-3:] == ["verify.check", "verify.good", "balance"]
    assert walker.said == ["Your balance, Li."]
    assert len(walker.state.frames) == 1
    assert walker.state.values == {"topic": "balance", "verified": "yes", "name": "Li"}


def test_given_a_way_to_a_node_of_the_menu_then_all_sub_flows_are_left_and_the_choice_sets_the_menus_variables() -> (
    None
):
    walker = at_card().press("1234").press("*").speak("agent")
    assert walker.path[-1] == "agent"
    assert walker.one(effects.Enqueue).collected == {"topic": "balance", "why": "asked", "language": "en-US"}


def test_given_an_exit_of_the_sub_flow_to_the_menu_then_it_is_left() -> None:
    walker = at_check()
    assert walker.feed(Unavailable(walker.state.turn)).path[-1] == "agent"
    assert len(walker.state.frames) == 1


def test_given_back_then_it_leads_to_the_question_before_of_this_flow_or_of_the_one_that_called() -> None:
    walker = at_check()
    walker.feed(NotFound(walker.state.turn)).hear_out()
    assert walker.path[-1] == "verify.wrong"
    assert walker.press("*").path[-1] == "verify.card"
    assert len(walker.state.frames) == 2
    assert walker.press("*").path[-1] == "main"
    assert len(walker.state.frames) == 1
    assert at_card().press("1234").press("*").path[-1] == "verify.card", "from a sub-flow's sub-flow"


def test_given_back_where_nothing_was_asked_before_then_it_stays_where_it_is() -> None:
    flow, _ = example_flow(CallFlow)
    text = flow.source.replace("start: main", "start: member").replace(
        "nodes:", 'globals: {"*": {goto: back}}\nnodes:', 1
    )
    walker = Walker(parse(text, "straight to the sub-flow")[0])
    assert walker.press("*").path == ["member", "ask_card.ask", "ask_card.ask"]
    assert len(walker.state.frames) == 2


def test_given_silence_in_a_sub_flow_then_the_caller_arrives() -> None:
    assert Walker(SUB_FLOWS).press("1").fall_silent().path[-1] == "agent"


def test_given_a_fault_in_a_sub_flow_then_the_agent_sees_the_open_values_of_all_of_them() -> None:
    walker = at_card().press("1234")
    walker.feed(Unspoken(walker.state.turn))
    assert walker.one(effects.HandBack).collected == {
        "topic": "balance",
        "what": "balance",
        "number": "1234",
        "length": "4",
        "language": "en-US",
    }


def test_given_too_many_frames_then_the_caller_is_handed_back() -> None:
    walker = Walker(SUB_FLOWS)
    walker.state = replace(walker.state, frames=walker.state.frames * MAX_FRAMES)
    assert walker.press("1").one(effects.HandBack).reason == "endless"


def test_nodes_without_input_are_counted_over_all_sub_flows() -> None:
    walker = at_card()
    walker.state = replace(walker.state, nodes_without_input=99)
    walker.speak("nonsense")
    assert walker.state.nodes_without_input == 99
    walker.press("1234")
    assert walker.state.nodes_without_input == 2, "an input counts from 0 again: pin, ask_pin.ask"


@pytest.mark.parametrize(("offered", "codes"), [("1", []), ("7", ["IVR120"])])
def test_given_a_word_before_a_call_then_it_may_offer_the_keys_of_the_sub_flows_first_question(
    offered: str, codes: list[str]
) -> None:
    text = f"""
ivr: 1
name: words
numbers: ["1000"]
languages: [en-US]
start: hello
defaults: {{noinput: [x], nomatch: [y], give_up: {{goto: bye}}}}
nodes:
  hello: {{say: "Press {offered} for tea.", goto: order}}
  order: {{flow: drinks, goto: bye}}
  bye: {{hangup: z}}
flows:
  drinks:
    start: ask
    nodes:
      ask: {{menu: "Tea, 1.", choices: {{"1": {{goto: done}}}}}}
      done: {{return: {{}}}}
"""
    document = yamlfile.parse(text, "words", MENUS)
    assert [finding.code for finding in lint(document)] == codes
