"""What menu files are made of: texts, targets, branches, choices. Verbs (`ivr.verbs`) are built from these.

Every model is frozen and refuses keys that it does not know.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator, model_validator

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


def end_with_else(branches: tuple[Branch, ...]) -> tuple[Branch, ...]:
    """The branches, complete. Raises `ValueError`."""
    if [branch.else_ is not None for branch in branches] != [False] * (len(branches) - 1) + [True]:
        raise ValueError("the last branch, and only the last, is `{else: node}`")
    return branches


class Choice(Part):
    """One way out of a menu, by key or by phrase."""

    phrases: Mapping[Language, tuple[str, ...]] = Field(default_factory=dict)
    set: Mapping[Name, Filled] = Field(default_factory=dict, description="Variables; `lang` switches the language.")
    goto: Target


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
