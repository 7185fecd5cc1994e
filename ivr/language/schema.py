"""The JSON Schema of menu files, for editors. Kept in dialplans/schema/ivr-v1.json; a test checks that it is this."""

import json
from typing import Any

from ivr.language.models import Menus


def schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Menus.model_json_schema(by_alias=True),
        "title": "Switchroom menu",
    }


def schema_text() -> str:
    """As it is written to the file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
