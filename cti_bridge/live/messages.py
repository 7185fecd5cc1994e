"""Every message of the WebSocket, with the form of its data: what the published schema says of them.

A message is ``{type, time, data}``, and ``id`` where a reader may go on from. Events of the log have the forms of
`switchroom.wire`; the others are here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from cti_bridge.pop.screen_pop import ScreenPop
from switchroom.domain.events import MenuInput, Reconciled
from switchroom.domain.views import AgentView, QueueView
from switchroom.wire import NAMES, type_name

HELLO = "switchroom.hello"
HEARTBEAT = "switchroom.heartbeat"
GAP = "switchroom.gap"
ERROR = "switchroom.error"
QUEUES = "switchroom.queues"
SCREENPOP = "switchroom.screenpop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The present state, so that a desktop needs no history to be right."""

    agents: Sequence[AgentView]
    queues: Sequence[QueueView]
    pop: ScreenPop | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChanges:
    """The queues that changed, or all: merge them by name."""

    queues: Sequence[QueueView]


class Gap(BaseModel):
    """Events after ``from``, up to ``to``, are not sent: ask for what is shown."""

    model_config = ConfigDict(frozen=True)

    from_: str = Field(alias="from")
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a client sent could not be used."""

    detail: str


UNSENT = frozenset({MenuInput, Reconciled})
"""Events that nobody follows live: what the replay of a menu needs, and the whole picture of the softswitch."""
UNSENT_TYPES = frozenset(map(type_name, UNSENT))

DATA: Mapping[str, Any] = {
    HELLO: Hello,
    HEARTBEAT: None,
    GAP: Gap,
    ERROR: Refusal,
    QUEUES: QueueChanges,
    SCREENPOP: ScreenPop,
    **{name: kind for kind, (name, _) in NAMES.items() if kind not in UNSENT},
}
"""By type; None where a message carries no data."""


def message_schemas(ref_template: str) -> Mapping[str, Any]:
    """JSON Schemas of all messages, ``Message`` being any of them, with the definitions that they refer to."""
    mode: Literal["serialization"] = "serialization"
    kinds = [(name, mode, TypeAdapter(kind)) for name, kind in DATA.items() if kind is not None]
    schemas, definitions = TypeAdapter.json_schemas(kinds, ref_template=ref_template)
    data = {name: schema for (name, _), schema in schemas.items()}
    found: dict[str, Any] = dict(definitions.get("$defs", {}))
    for name in DATA:
        found[name] = {
            "type": "object",
            "required": ["type", "time", "data"],
            "properties": {
                "type": {"const": name},
                "time": {"type": "string", "format": "date-time"},
                "id": {"type": "string", "description": "Where a reader goes on: `?last=`"},
                "data": data.get(name, {"type": "null"}),
            },
        }
    found["Message"] = {
        "oneOf": [{"$ref": ref_template.format(model=name)} for name in DATA],
        "discriminator": {"propertyName": "type"},
    }
    return found
