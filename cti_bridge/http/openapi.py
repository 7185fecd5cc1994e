"""The API's description (OpenAPI 3.1), made from the same table and types that the server runs on."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter

from cti_bridge.http.route import Route
from switchroom import __version__
from switchroom.domain.user import RIGHTS, Role

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_PATTERN = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[^}]*\})+))?\}")


REF = "#/components/schemas/{model}"


def describe(routes: Sequence[Route], messages: Mapping[str, Any]) -> dict[str, Any]:
    """The whole document. ``messages`` are the schemas of what the WebSocket sends."""
    routes = [route for route in routes if route.documented]
    inputs: list[tuple[Any, Any, TypeAdapter[Any]]] = []
    for number, route in enumerate(routes):
        if route.body is not None:
            inputs.append(((number, "body"), "validation", TypeAdapter(route.body)))
        if route.query is not None:
            inputs.append(((number, "query"), "validation", TypeAdapter(route.query)))
        if route.answer is not None:
            inputs.append(((number, "answer"), "serialization", TypeAdapter(route.answer)))
    schemas, definitions = TypeAdapter.json_schemas(inputs, ref_template=REF)
    by_key = {key[0]: schema for key, schema in schemas.items()}
    components = dict(definitions.get("$defs", {}))
    paths: dict[str, dict[str, Any]] = {}
    for number, route in enumerate(routes):
        path = _PATTERN.sub(r"{\1}", route.path)
        query = _resolved(by_key.get((number, "query")), components)
        paths.setdefault(path, {})[route.method.lower()] = _operation(
            route, by_key.get((number, "body")), query, by_key.get((number, "answer"))
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Switchroom", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {**messages, **components, "Problem": _PROBLEM},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "switchroom_session"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(route: Route, body: Any, query: Any, answer: Any) -> dict[str, Any]:
    good: dict[str, Any] = {"description": route.status.phrase}
    if answer is not None:
        good["content"] = {route.media_type: {"schema": answer}}
    elif route.status is HTTPStatus.OK:
        good["content"] = {route.media_type: {"schema": {"type": "string"}}}
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": route.handle.__qualname__.replace(".", "_"),
        "security": [] if route.needs is None else [{"session": []}, {"token": []}],
        "responses": {
            str(int(route.status)): good,
            "default": {
                "description": "A problem",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if route.needs is not None:
        roles = ", ".join(role for role in Role if route.needs in RIGHTS[role])
        operation["description"] = f"For the roles {roles}."
    if parameters := [*_path_parameters(route), *_query_parameters(query)]:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name, _ in _PATTERN.findall(route.path)
    ]


def _query_parameters(schema: Any) -> list[dict[str, Any]]:
    if schema is None:
        return []
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema["properties"].items()
    ]


def _resolved(schema: Any, components: dict[str, Any]) -> Any:
    """A query's fields become parameters; its model is no component of its own."""
    if schema is None or "$ref" not in schema:
        return schema
    return components.pop(schema["$ref"].rsplit("/", 1)[1])
