"""What a menu file may contain. Every model is frozen and refuses keys that it does not know.

A node is one verb (``menu``, ``say``, ``collect``, ``lookup``, ``when``, ``set``, ``queue``, ``hangup``) with its
settings, and a way on.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag, field_validator, model_validator

from switchroom.runtime.durations import Duration

LANGUAGE = r"^[a-z]{2,3}(-[A-Z]{2})?$"
BACK, AGAIN = "back", "again"
HERE = frozenset({BACK, AGAIN})
"""Targets that are no nodes."""

Language = Annotated[str, Field(pattern=LANGUAGE)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Key = Annotated[str, Field(pattern=r"^[0-9*#]$")]
Target = Annotated[Name, Field(description="A node; or `back`, to the question before; or `again`, this one anew.")]
Filled = Annotated[str, Field(description="Text with holes, as `{caller.tier}`.")]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)


class Text(RootModel[Mapping[str, str]]):
    """What is said, by language. ``audio`` names a recording that is played instead, where there is one.

    A plain string will do in a flow with one language.
    """

    model_config = ConfigDict(frozen=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        by_language = {
            "type": "object",
            "properties": {"audio": {"type": "string", "pattern": "^[a-z0-9_-]+$"}},
            "patternProperties": {LANGUAGE: {"type": "string", "minLength": 1}},
            "additionalProperties": False,
            "minProperties": 1,
        }
        return {"description": cls.__doc__, "anyOf": [{"type": "string", "minLength": 1}, by_language]}

    @model_validator(mode="before")
    @classmethod
    def _one_language(cls, value: Any) -> Any:
        return {"": value} if isinstance(value, str) else value

    @field_validator("root")
    @classmethod
    def _by_language(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for key, text in value.items():
            if key == "audio":
                if not re.fullmatch("[a-z0-9_-]+", text):
                    raise ValueError("a recording is named by small letters, digits, `-` and `_`, without `.wav`")
            elif key and not re.match(LANGUAGE, key):
                raise ValueError(f"`{key}` is neither a language, as zh-CN, nor `audio`")
            elif not text.strip():
                raise ValueError("an empty text would be silence")
        if not any(key != "audio" for key in value):
            raise ValueError("write the text, too: it is said where the recording is missing")
        return value

    @property
    def audio(self) -> str | None:
        return self.root.get("audio")

    @property
    def texts(self) -> Mapping[str, str]:
        """By language; the key is empty for a plain string."""
        return {key: text for key, text in self.root.items() if key != "audio"}

    def get(self, language: str) -> str | None:
        return self.root.get(language) or self.root.get("")


class GiveUp(Part):
    """Where a caller goes who was not understood (or silent) ``after`` times in a row."""

    after: int = Field(3, ge=1, le=10)
    goto: Target


class Listen(Part):
    """How the caller is listened to."""

    timeout: Duration = Field(timedelta(seconds=5), description="Silence after the prompt until `noinput`.")
    between_digits: Duration = timedelta(seconds=3)
    barge_in: bool = Field(True, description="Keys and speech interrupt the prompt.")
    speech: bool = True
    min_confidence: float = Field(0.5, ge=0, le=1)


class Branch(Part):
    """``{if: CONDITION, goto: node}``, or ``{else: node}`` as the last."""

    if_: str | None = Field(None, alias="if", description="A condition in CEL, as `order.total > 1000.0`.")
    goto: Target | None = None
    else_: Target | None = Field(None, alias="else")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.if_ is None) == (self.else_ is None) or (self.if_ is None) != (self.goto is None):
            raise ValueError("write `{if: condition, goto: node}` or `{else: node}`")
        return self

    @property
    def target(self) -> str:
        return self.goto or self.else_ or AGAIN


def _ends_with_else(branches: tuple[Branch, ...]) -> tuple[Branch, ...]:
    if [branch.else_ is not None for branch in branches] != [False] * (len(branches) - 1) + [True]:
        raise ValueError("the last branch, and only the last, is `{else: node}`")
    return branches


class GoesOn(Part):
    """The way on of a node: ``goto``, or ``when`` with branches."""

    goto: Target | None = None
    when: tuple[Branch, ...] | None = None

    @model_validator(mode="after")
    def _one_way_on(self) -> Self:
        if (self.goto is None) == (self.when is None):
            raise ValueError("write where it goes on: `goto`, or `when` with branches")
        if self.when is not None:
            _ends_with_else(self.when)
        return self


class Asks(Part):
    """What nodes have in common that ask the caller; unset, the flow's defaults hold."""

    listen: Listen | None = None
    short: Text | None = Field(None, description="The question when it is put again after silence or a misfit.")
    noinput: tuple[Text, ...] | None = Field(None, description="Said on silence; the second time, the second text.")
    nomatch: tuple[Text, ...] | None = Field(None, description="Said when nothing was understood.")
    give_up: GiveUp | None = None


class Choice(Part):
    """One way out of a menu, by key or by phrase."""

    phrases: Mapping[Language, tuple[str, ...]] = Field(default_factory=dict)
    set: Mapping[Name, Filled] = Field(default_factory=dict, description="Variables; `lang` switches the language.")
    goto: Target


class Menu(Asks):
    """Asks the caller to choose."""

    menu: Text
    every_language: bool = Field(False, description="Said in every language of the flow, one after the other.")
    choices: Mapping[Key, Choice] = Field(min_length=1)


class Say(GoesOn):
    """Tells the caller something."""

    say: Text
    every_language: bool = False
    barge_in: bool = True
    resolves: bool = False
    """This is what the caller wanted: who hangs up after it was served by the menu."""


class Digits(Part):
    """How many digits are wanted, and the key that ends them."""

    min: int = Field(1, ge=1, le=32)
    max: int = Field(32, ge=1, le=32)
    exactly: int | None = Field(None, ge=1, le=32)
    finish: Literal["#", "*"] | None = "#"
    speech: bool = False

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.min > self.max:
            raise ValueError("`min` is above `max`")
        return self

    @property
    def least(self) -> int:
        return self.exactly or self.min

    @property
    def most(self) -> int:
        return self.exactly or self.max


class Collect(Asks, GoesOn):
    """Asks the caller for digits, and keeps them in a variable."""

    collect: Text
    into: Name
    digits: Digits = Field(default_factory=lambda: Digits.model_validate({}))
    confirm: Text | None = Field(None, description="Asked back; 1 means right, 2 means once more.")
    secret: bool = Field(False, description="Never shown, logged or given to anyone but `lookup`.")


class Exit(Part):
    """A way on with a word about it."""

    say: Text | None = None
    goto: Target

    @model_validator(mode="before")
    @classmethod
    def _node_alone(cls, value: Any) -> Any:
        return {"goto": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        schema: dict[str, Any] = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [{"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}, schema]}


class Lookup(Part):
    """Asks a source of data (a data dip)."""

    lookup: Name
    with_: Mapping[Name, Filled] = Field(alias="with", default_factory=dict)
    into: Name
    timeout: Duration = timedelta(seconds=2)
    retries: int = Field(0, ge=0, le=3)
    ok: Exit
    not_found: Exit
    error: Exit = Field(description="Too slow, refused, or nonsense.")


class When(Part):
    """Decides by what is known."""

    when: tuple[Branch, ...]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _ends_with_else(self.when)
        return self


class Set(GoesOn):
    """Sets variables; ``lang`` switches the language."""

    set: Mapping[Name, Filled] = Field(min_length=1)


class Queue(Part):
    """Lets the caller wait for an agent: the flow ends here."""

    queue: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    skills: Mapping[str, Annotated[int, Field(ge=1, le=10)]] = Field(
        default_factory=dict, description="What the agent must know, and how well; with holes, as `lang:{lang|base}`."
    )
    tier: Filled = "{caller.tier}"
    say: Text | None = None


class Hangup(Part):
    """Says good-bye and ends the call."""

    hangup: Text
    resolves: bool = False
    """This is what the caller wanted. Without it, and without a `say` that resolves before, the call was in vain."""


VERBS: Mapping[str, type[Part]] = {
    "menu": Menu,
    "collect": Collect,
    "lookup": Lookup,
    "queue": Queue,
    "hangup": Hangup,
    "say": Say,
    "set": Set,
    "when": When,
}
"""In the order in which they are looked for: ``say`` and ``set`` are also settings, ``when`` also a way on."""


def verb(node: Any) -> str | None:
    """Which verb a written or read node has."""
    if isinstance(node, Part):
        return next(name for name, model in VERBS.items() if type(node) is model)
    if isinstance(node, Mapping):
        return next((name for name in VERBS if name in node), None)
    return None


Node = Annotated[
    Annotated[Menu, Tag("menu")]
    | Annotated[Collect, Tag("collect")]
    | Annotated[Lookup, Tag("lookup")]
    | Annotated[Queue, Tag("queue")]
    | Annotated[Hangup, Tag("hangup")]
    | Annotated[Say, Tag("say")]
    | Annotated[Set, Tag("set")]
    | Annotated[When, Tag("when")],
    Discriminator(
        verb,
        custom_error_type="no_verb",
        custom_error_message="a node has a verb: menu, say, collect, lookup, when, set, queue or hangup",
    ),
]


class Defaults(Part):
    """What holds for every node that asks. Texts are required: silence would be the alternative."""

    listen: Listen = Field(default_factory=lambda: Listen.model_validate({}))
    noinput: tuple[Text, ...] = Field(min_length=1)
    nomatch: tuple[Text, ...] = Field(min_length=1)
    give_up: GiveUp


class Menus(Part):
    """One menu file: what callers of ``numbers`` meet."""

    ivr: Literal[1] = Field(description="The version of this language.")
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    numbers: tuple[Annotated[str, Field(pattern=r"^\+?[0-9]{3,15}$")], ...] = Field(min_length=1)
    languages: tuple[Language, ...] = Field(min_length=1, description="The first is spoken to strangers.")
    start: Name
    defaults: Defaults
    globals: Mapping[Key, Choice] = Field(default_factory=dict, description="Choices of every menu.")
    nodes: Mapping[Name, Node] = Field(min_length=1)
