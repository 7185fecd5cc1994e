"""Events as JSON values, for the ledger and the browsers, and back.

The form of each event has a name and a version, both written here by hand: renaming a class changes nothing that is
stored. To add an event, add its line to `NAMES`; to change its form, raise its version and add an `UPCASTERS` line
that makes the old form into the new one. ``python -m tests.fixtures.event_forms`` then writes the form down in
``tests/fixtures/events``, where a test holds the code to it.

What tells of a person is declared beside the field (`switchroom.domain.events.base.personal`) and written apart
(`split`, `Wire.joined`). It may be erased, so an upcaster must do without these fields: they are filled in after it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from switchroom.domain import events as ev
from switchroom.domain.events.base import personal_fields

NAMES: Mapping[type[ev.Event], tuple[str, int]] = {
    ev.ContactEntered: ("switchroom.contact.entered", 1),
    ev.ContactAdopted: ("switchroom.contact.adopted", 1),
    ev.ContactRefused: ("switchroom.contact.refused", 1),
    ev.CustomerIdentified: ("switchroom.customer.identified", 1),
    ev.ContactConnected: ("switchroom.contact.connected", 1),
    ev.ContactHeld: ("switchroom.contact.held", 1),
    ev.ContactResumed: ("switchroom.contact.resumed", 1),
    ev.ConsultStarted: ("switchroom.consult.started", 1),
    ev.ConsultAnswered: ("switchroom.consult.answered", 1),
    ev.ConsultEnded: ("switchroom.consult.ended", 1),
    ev.AgentJoined: ("switchroom.agent.joined", 1),
    ev.TalkEnded: ("switchroom.talk.ended", 1),
    ev.ContactTransferred: ("switchroom.contact.transferred", 1),
    ev.ContactEnded: ("switchroom.contact.ended", 1),
    ev.FlowStarted: ("switchroom.flow.started", 1),
    ev.NodeVisited: ("switchroom.node.visited", 1),
    ev.InputTaken: ("switchroom.input.taken", 1),
    ev.MenuInput: ("switchroom.menu.input", 1),
    ev.ContactQueued: ("switchroom.contact.queued", 1),
    ev.PlaceChanged: ("switchroom.place.changed", 1),
    ev.NobodyOnDuty: ("switchroom.nobody.on.duty", 1),
    ev.OfferMade: ("switchroom.offer.made", 1),
    ev.ScreenPopSent: ("switchroom.screen.pop.sent", 1),
    ev.ScreenPopShown: ("switchroom.screen.pop.shown", 1),
    ev.AgentRang: ("switchroom.agent.rang", 1),
    ev.OfferFailed: ("switchroom.offer.failed", 1),
    ev.RecordingClosed: ("switchroom.recording.closed", 1),
    ev.RecordingReady: ("switchroom.recording.ready", 1),
    ev.TicketJoined: ("switchroom.ticket.joined", 1),
    ev.TicketOpened: ("switchroom.ticket.opened", 1),
    ev.TicketFailed: ("switchroom.ticket.failed", 1),
    ev.TicketClosed: ("switchroom.ticket.closed", 1),
    ev.AgentStateChanged: ("switchroom.agent.state.changed", 1),
    ev.PhoneChanged: ("switchroom.phone.changed", 1),
    ev.DeskChanged: ("switchroom.desk.changed", 1),
    ev.DesktopOpened: ("switchroom.desktop.opened", 1),
    ev.DesktopClosed: ("switchroom.desktop.closed", 1),
    ev.SwitchLost: ("switchroom.switch.lost", 1),
    ev.Reconciled: ("switchroom.reconciled", 1),
}
"""Each event's CloudEvents type and the version of its form."""

Upcaster = Callable[[Mapping[str, Any]], Mapping[str, Any]]

UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}
"""From a name and an old version to the data of the next version."""


class WireError(ValueError):
    """What is stored cannot be read; the text names the type and the version, and holds none of the data."""


class Wire:
    """A table of forms. The server has one, `WIRE`; tests make others."""

    def __init__(self, names: Mapping[type[ev.Event], tuple[str, int]], upcasters: Mapping[tuple[str, int], Upcaster]):
        self._names, self._upcasters = names, upcasters
        self._classes = {name: (kind, version) for kind, (name, version) in names.items()}
        if len(self._classes) != len(names):
            raise ValueError("two events have the same name")

    def form(self, event: type[ev.Event] | ev.Event) -> tuple[str, int]:
        """The event's name and version. Raises `WireError` for a class that is not in the table."""
        kind = event if isinstance(event, type) else type(event)
        try:
            return self._names[kind]
        except KeyError:
            raise WireError(f"{kind.__name__} has no name in switchroom/wire.py") from None

    def newest(self, name: str) -> int | None:
        """The version that is written today; None for a name that is not known."""
        known = self._classes.get(name)
        return None if known is None else known[1]

    def joined(
        self, name: str, version: int, data: Mapping[str, Any], personal: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """The data with the personal part that was written apart; what of it is erased reads as its event declares."""
        whole = {**data, **personal} if personal else data
        known = self._classes.get(name)
        return whole if known is None or version != known[1] else _filled(known[0], whole)

    def decode(self, name: str, version: int, data: Mapping[str, Any]) -> ev.Event:
        """The event that was written as ``data``; personal fields that are missing are erased.

        Raises `WireError` for a name that is not known, a version that is newer than ours or has no upcaster, and
        data of another form.
        """
        try:
            kind, newest = self._classes[name]
        except KeyError:
            raise WireError(f"{name}: no event has this name") from None
        if version > newest:
            raise WireError(f"{name} v{version}: written by a newer server, this one reads up to v{newest}")
        for old in range(version, newest):
            upcast = self._upcasters.get((name, old))
            if upcast is None:
                raise WireError(f"{name} v{old}: no upcaster leads to v{old + 1}")
            data = upcast(data)
        data = _filled(kind, data)
        if unknown := _surplus(kind, data):
            raise WireError(f"{name} v{version}: the form has no field {', '.join(sorted(unknown))}")
        try:
            found: ev.Event = _adapter(kind).validate_python(data)
        except ValidationError as error:
            wrong = ", ".join(sorted({".".join(map(str, e["loc"])) for e in error.errors()}))
            raise WireError(f"{name} v{version}: another form in {wrong}") from None
        return found


def to_record(event: ev.Event) -> dict[str, Any]:
    """The event's fields as JSON values (times in RFC 3339, nested values as objects). ValueError: they are none."""
    found: dict[str, Any] = _adapter(type(event)).dump_python(event, mode="json")
    return found


def split(event: ev.Event) -> tuple[dict[str, Any], dict[str, Any]]:
    """The event's fields as JSON values: those that stay in the log, and those that tell of a person.

    A personal field that says no more than an erased one is left out. ValueError: they are no JSON values.

    >>> split(decode("switchroom.input.taken", 1, {"at": "2026-01-08T12:00:00Z", "contact_id": "c1", "node": "order",
    ...                                            "kind": "dtmf", "value": "77120345"}))[1]
    {'value': '77120345'}
    """
    data = to_record(event)
    declared = personal_fields(type(event))
    if declared is None:
        return data, {}
    taken = {name: data.pop(name) for name in declared.erased}
    return data, {name: value for name, value in taken.items() if value != declared.erased[name]}


def _filled(kind: type[ev.Event], data: Mapping[str, Any]) -> Mapping[str, Any]:
    declared = personal_fields(kind)
    return data if declared is None else {**declared.erased, **data}


def _surplus(kind: type[ev.Event], data: Iterable[str]) -> set[str]:
    return set(data) - {f.name for f in fields(kind)}


_adapters: dict[type[ev.Event], TypeAdapter[Any]] = {}


def prepare() -> None:
    """Make ready what the first event of each type would need: some 70 ms that no call should wait for."""
    for kind in NAMES:
        _adapter(kind)


def _adapter(kind: type[ev.Event]) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


WIRE = Wire(NAMES, UPCASTERS)


def type_name(event: type[ev.Event] | ev.Event) -> str:
    """The CloudEvents type. Raises `WireError` for a class that has none.

    >>> type_name(ev.ContactQueued)
    'switchroom.contact.queued'
    """
    return WIRE.form(event)[0]


def decode(name: str, version: int, data: Mapping[str, Any]) -> ev.Event:
    """The event that was written as ``data``; see `Wire.decode`.

    >>> decode("switchroom.desktop.opened", 1, {"at": "2026-01-08T12:00:00Z", "agent_id": "1001"}).agent_id
    '1001'
    """
    return WIRE.decode(name, version, data)
