"""Flows for tests of the interpreter, one of them with every verb, and a caller at their beginning."""

from dataclasses import replace
from pathlib import Path

from ivr.language.flow import Flow
from ivr.language.loader import load
from switchroom.domain.caller import Caller
from switchroom.domain.contact import CustomerTier
from switchroom.domain.ids import CustomerId
from tests.support.menu_walker import STRANGER, Walker

MENUS = Path(__file__).parents[2] / "dialplans/menus"
ALL_VERBS, _ = load(Path(__file__).parents[1] / "fixtures/menus/good/all-verbs.yaml", frozenset())
SUB_FLOWS, _ = load(Path(__file__).parents[1] / "fixtures/menus/good/sub-flows.yaml")
FLOWS = [ALL_VERBS, load(MENUS / "shop-400.yaml")[0], load(MENUS / "shop-400-en.yaml")[0], SUB_FLOWS]
GOLD = replace(STRANGER, tier=CustomerTier.GOLD, customer_id=CustomerId("7"), name="张三", language="en-US")


def in_flow(flow: Flow = ALL_VERBS, caller: Caller = STRANGER) -> Walker:
    return Walker(flow, caller)


def at_main() -> Walker:
    return in_flow().hear_out()
