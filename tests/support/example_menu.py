"""A whole menu around the nodes that docs/ivr.md shows: with ``main``, ``agent`` and ``bye``, and a sub-flow."""

import textwrap
from collections.abc import Sequence

from ivr.language.flow import Flow
from ivr.language.loader import parse
from ivr.language.verb import Verb
from ivr.verbs import VERBS
from ivr.verbs.flow import CallFlow
from ivr.verbs.return_ import Return
from switchroom.runtime.yamlfile import Finding

MENU = """
ivr: 1
name: example
numbers: ["1000"]
languages: [zh-CN, en-US]
start: main
defaults:
  noinput: [{zh-CN: 没有听到。, en-US: Nothing heard.}]
  nomatch: [{zh-CN: 没听懂。, en-US: Not understood.}]
  give_up: {goto: agent}
nodes:
  main:
    menu: {zh-CN: 例子请按1，人工请按2，结束请按3。, en-US: "The example, press 1. An agent, 2. The end, 3."}
    choices: {"1": {goto: FIRST}, "2": {goto: agent}, "3": {goto: bye}}
  agent: {queue: general}
  bye: {hangup: {zh-CN: 再见。, en-US: Goodbye.}}
"""


def example_flow(verb: type[Verb], verbs: Sequence[type[Verb]] = VERBS) -> tuple[Flow, list[Finding]]:
    """The menu with the example of a verb; key 1 leads to the example's first node."""
    sub_flow, nodes = "", verb.example.strip()
    if verb in (CallFlow, Return):  # of these two neither runs without the other
        sub_flow, nodes = Return.example, CallFlow.example.strip()
    text = MENU.replace("FIRST", nodes.partition(":")[0]) + textwrap.indent(nodes, "  ") + sub_flow
    return parse(text, verb.verb, verbs=verbs)
