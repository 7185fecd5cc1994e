"""Events on their way to the disk and back: names by hand, goldens for each form, upcasters for old ones."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchroom.domain import events as ev
from switchroom.domain.ids import AgentId
from switchroom.wire import NAMES, UPCASTERS, WIRE, Wire, WireError, decode, split, type_name
from tests.fixtures.any_event import strategy
from tests.fixtures.event_forms import FOLDER, form, path_of

GOLDENS = sorted(FOLDER.glob("*.json"))
AT = "2026-01-08T12:00:00Z"


def made_of() -> set[type[ev.Event]]:
    """The classes that events are made of: those of the domain that no other is derived from."""
    kinds = [kind for name in ev.__all__ if issubclass(kind := getattr(ev, name), ev.Event)]
    return {kind for kind in kinds if not any(other is not kind and issubclass(other, kind) for other in kinds)}


def test_every_event_of_the_domain_has_a_name() -> None:
    assert made_of() == set(NAMES)


@pytest.mark.parametrize("kind", NAMES, ids=lambda kind: kind.__name__)
def test_given_an_event_when_its_form_differs_from_its_golden_file_then_it_needs_a_new_version(
    kind: type[ev.Event],
) -> None:
    name, version = NAMES[kind]
    path = path_of(name, version)
    assert path.exists(), "a new form: run python -m tests.fixtures.event_forms"
    golden = json.loads(path.read_text(encoding="utf-8"))
    assert (golden["type"], golden["version"]) == (name, version)
    changed = "the form changed: raise the version in switchroom/wire.py and add an upcaster"
    # Values may be added to an enumeration, but none that is on disks may go: those are decoded below.
    now = form(kind)
    assert now["examples"][:2] == golden["examples"][:2], changed
    assert now.get("personal", [])[:2] == golden.get("personal", [])[:2], changed


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_every_form_that_was_ever_written_is_read(path: Any) -> None:
    golden = json.loads(path.read_text(encoding="utf-8"))
    name, version = golden["type"], golden["version"]
    none: list[dict[str, Any]] = [{}] * len(golden["examples"])
    for data, personal in zip(golden["examples"], golden.get("personal", none), strict=True):
        event = decode(name, version, {**data, **personal})
        erased = decode(name, version, data)
        if NAMES[type(event)] == (name, version):
            assert split(event) == (data, personal)
            assert split(erased) == (data, {})


@given(st.sampled_from(list(NAMES)).flatmap(strategy))
def test_given_any_event_when_written_and_read_then_it_is_the_same(event: ev.Event) -> None:
    name, version = NAMES[type(event)]
    data, personal = json.loads(json.dumps(split(event)))
    assert decode(name, version, WIRE.joined(name, version, data, personal)) == event


def test_given_a_name_that_nobody_knows_when_read_then_the_error_names_it() -> None:
    with pytest.raises(WireError, match=r"switchroom\.call\.dropped: no event"):
        decode("switchroom.call.dropped", 1, {})


def test_given_a_version_of_a_newer_server_when_read_then_the_error_names_it() -> None:
    with pytest.raises(WireError, match=r"switchroom\.desktop\.opened v9: written by a newer server"):
        decode("switchroom.desktop.opened", 9, {"at": AT, "agent_id": "1001"})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"at": AT}, "another form in agent_id"),
        ({"at": "yesterday", "agent_id": "13800138000"}, "another form in at"),
        ({"at": AT, "agent_id": "1001", "screen": "13800138000"}, "no field screen"),
    ],
)
def test_given_data_of_another_form_when_read_then_the_error_says_where_and_holds_no_data(
    data: dict[str, Any], said: str
) -> None:
    with pytest.raises(WireError, match=said) as caught:
        decode("switchroom.desktop.opened", 1, data)
    assert "138" not in str(caught.value)


def test_given_an_old_version_when_read_then_each_upcaster_leads_to_the_next() -> None:
    name = "switchroom.desktop.opened"
    wire = Wire(
        {ev.DesktopOpened: (name, 3)},
        {
            (name, 1): lambda data: {"at": data["time"], "agent": data["agent"]},
            (name, 2): lambda data: {"at": data["at"], "agent_id": data["agent"]},
        },
    )
    event = ev.DesktopOpened(at=datetime(2026, 1, 8, 12, tzinfo=UTC), agent_id=AgentId("1001"))
    assert wire.decode(name, 1, {"time": AT, "agent": "1001"}) == event
    assert wire.decode(name, 2, {"at": AT, "agent": "1001"}) == event
    assert wire.decode(name, 3, {"at": AT, "agent_id": "1001"}) == event


def test_given_an_old_version_without_an_upcaster_when_read_then_the_error_says_so() -> None:
    name = "switchroom.desktop.opened"
    with pytest.raises(WireError, match=r"switchroom\.desktop\.opened v1: no upcaster leads to v2"):
        Wire({ev.DesktopOpened: (name, 2)}, {}).decode(name, 1, {})


def test_every_version_before_the_newest_has_its_upcaster_and_golden_file() -> None:
    for name, newest in NAMES.values():
        for version in range(1, newest):
            assert (name, version) in UPCASTERS
            assert path_of(name, version).exists()


def test_given_an_event_without_a_name_when_written_then_the_error_says_where_to_name_it() -> None:
    class Unnamed(ev.Event):
        pass

    with pytest.raises(WireError, match=r"Unnamed has no name in switchroom/wire\.py"):
        type_name(Unnamed)
