"""What bodies and queries are made of. What is sent in is checked, field by field."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Limit = Annotated[int, Field(ge=1, le=200)]


def _storable(value: Any) -> Any:
    """Refuse U+0000: PostgreSQL's text cannot hold it."""
    if isinstance(value, dict) and any("\0" in text for text in value.values() if isinstance(text, str)):
        raise ValueError("text may not contain U+0000")
    return value


def _in_utc(time: datetime) -> datetime:
    """In UTC, as it is stored; at both ends of the calendar not every zone's time has one there."""
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("this time is outside of the calendar") from None


Time = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class In(BaseModel):
    """What comes in: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    _refuse_nul = model_validator(mode="before")(_storable)
