"""The page of the API, from its OpenAPI document."""

import json
from collections.abc import Iterator
from typing import Any

from tools.reference.markdown import cell, table

_INTRODUCTION = """\
# API

The routes of Keyhole's API, as `schema/openapi.json` describes them.
[People](../guides/people.md) tells how programs log in. The role is the lowest one that may call a
route; a public route needs none. Each error is a [ProblemDocument](#problemdocument) of the type
`application/problem+json`."""


def api_page(openapi: dict[str, Any]) -> str:
    """Each route with its role, parameters and answers; then each schema with its fields."""
    lines = [_INTRODUCTION]
    last = None
    for path, method, route in _routes(openapi):
        (tag,) = route["tags"]
        if tag != last:
            lines += ["", f"## {tag.capitalize()}"]
            last = tag
        lines += _route(path, method, route)
    lines += ["", "## Schemas"]
    for name, schema in sorted(openapi["components"]["schemas"].items()):
        lines += _schema(name, schema)
    return "\n".join(lines) + "\n"


def _routes(openapi: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """All routes, those of one tag together, in the order in which the API declares them."""
    routes = [
        (path, method, route)
        for path, methods in openapi["paths"].items()
        for method, route in methods.items()
    ]
    tags = list(dict.fromkeys(route["tags"][0] for _, _, route in routes))
    return sorted(routes, key=lambda one: tags.index(one[2]["tags"][0]))


def _route(path: str, method: str, route: dict[str, Any]) -> Iterator[str]:
    yield from ["", f"### {method.upper()} {path}", ""]
    yield cell(route["description"])
    yield from ["", f"Operation `{route['operationId']}`, role: {route['x-keyhole-role']}."]
    rows = [
        (
            f"`{one['name']}`",
            one["in"] + (", required" if one.get("required") else ""),
            _type(one["schema"]) + _default(one["schema"]),
            cell(one.get("description", "")),
        )
        for one in route.get("parameters", [])
    ]
    yield from table(("parameter", "where", "type", "meaning"), rows)
    body = route.get("requestBody", {}).get("content", {})
    for media in body.values():
        yield from ["", f"Body: {_type(media['schema'])}."]
    yield from ["", f"Answer: {'; '.join(_answers(route['responses']))}."]


def _answers(responses: dict[str, Any]) -> Iterator[str]:
    for status, response in responses.items():
        if status.endswith("XX"):
            continue
        content = response.get("content", {})
        shown = [
            _type(media["schema"]) if media.get("schema") else f"`{kind}`"
            for kind, media in content.items()
        ]
        yield f"{status} {' or '.join(shown) or '(no body)'}"


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield from ["", f"### {name}", "", cell(schema["description"])]
    required = schema.get("required", [])
    rows = [
        (
            f"`{field}`",
            _type(one) + (", required" if field in required else "") + _default(one),
            cell(one.get("description", "")),
        )
        for field, one in schema.get("properties", {}).items()
    ]
    yield from table(("field", "type", "meaning"), rows)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for kind in ("anyOf", "oneOf", "allOf"):
        if kind in schema:
            return " or ".join(dict.fromkeys(map(_type, schema[kind])))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if schema.get("format") == "date-time":
        return "time"
    return str(schema.get("type", "any"))


def _default(schema: dict[str, Any]) -> str:
    value = schema.get("default")
    return "" if value in (None, [], {}, "") else f", default `{json.dumps(value)}`"
