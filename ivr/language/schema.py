"""The JSON Schema of menu files, for editors. Kept in dialplans/schema/ivr-v1.json; a test checks that it is this."""

import inspect
import json
from typing import Any

from ivr.language.loader import MENUS


def schema() -> dict[str, Any]:
    made: dict[str, Any] = _cleaned(MENUS.model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "Switchroom menu"}


def _cleaned(value: Any) -> Any:
    """Descriptions come from docstrings, which Python keeps indented before 3.13."""
    if isinstance(value, dict):
        return {
            key: inspect.cleandoc(item) if key == "description" and isinstance(item, str) else _cleaned(item)
            for key, item in value.items()
        }
    return [_cleaned(item) for item in value] if isinstance(value, list) else value


def schema_text() -> str:
    """As it is written to the file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
