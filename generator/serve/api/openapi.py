"""The document of `/api/v1` in OpenAPI 3.1, out of the table of operations and their types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from generator.serve.access import COOKIE
from generator.serve.api import answers
from generator.serve.api.operations import JSON, OPERATIONS, Operation
from generator.serve.line.admission import MOST_WAITING_IN_ALL

REFERENCE = "#/components/schemas/{name}"
REFUSALS: Mapping[int, str] = {
    401: "Nobody we know: no session, or another home's token.",
    403: "The request does not come from a page of ours.",
    404: "There is no such thing, or not for this viewer.",
    409: "Not in the state that it is in.",
    413: "The body is larger than 64 KiB.",
    415: "The body is neither JSON nor a form.",
    421: "The server does not go by that name.",
    422: "The body is not what it should be; `field` names what is wrong.",
    429: "Too often, or too many that wait: see Retry-After.",
    503: f"The machine wakes up, or {MOST_WAITING_IN_ALL} pictures wait: see Retry-After.",
    507: "The disk, or this friend's share of it, is full.",
}
OF_THE_GATE = (401, 421)
OF_THE_GATE_UNSAFE = (403, 413, 415)


def document() -> dict[str, Any]:
    """The whole document. It has no version of the program: that would change it with every release."""
    types = _types()
    schemas, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    found = dict(zip(map(id, types), schemas, strict=True))
    taken = {kind.__name__ for one in OPERATIONS for kind in one.bodies.values()}
    paths: dict[str, Any] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, found)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dreamrig serve",
            "version": "1",
            "description": "Ask for pictures, watch them grow. Errors have a code for programs, a sentence for people.",
        },
        "security": [{"session": []}, {"home": []}],
        "paths": paths,
        "components": {
            "schemas": {name: _closed(schema, taken) for name, schema in components.items()},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "A friend's browser."},
                "home": {"type": "http", "scheme": "bearer", "description": "The owner's, from serve/serve.json."},
            },
        },
    }


def _closed(schema: dict[str, Any], taken: set[str]) -> dict[str, Any]:
    """What we take has no further fields; what we answer may grow some."""
    return {**schema, "additionalProperties": False} if schema["title"] in taken else schema


def _types() -> list[Any]:
    """Every type that is named, once."""
    named = [answers.ErrorBody]
    for one in OPERATIONS:
        named += [kind for kind in (one.answer, *one.bodies.values()) if kind is not None and kind not in named]
    return named


def _operation(one: Operation, schemas: Mapping[int, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": one.name, "summary": one.says}
    parameters = [_path_parameter(name) for name in re.findall(r"{(\w+)}", one.path)]
    parameters += [
        {"name": each.name, "in": each.where, "description": each.says, "schema": dict(each.schema)}
        for each in one.parameters
    ]
    if parameters:
        told["parameters"] = parameters
    if one.bodies:
        content = {kind: {"schema": schemas[id(type_)]} for kind, type_ in one.bodies.items()}
        told["requestBody"] = {"required": True, "content": content}
    told["responses"] = {str(one.status): _good(one, schemas), **_refusals(one, schemas)}
    return told


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": answers.PICTURE_KEY}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": "What URLs show of a picture.",
        "schema": schema,
    }


def _good(one: Operation, schemas: Mapping[int, Any]) -> dict[str, Any]:
    if one.answer is None:
        return {"description": one.says, "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    good: dict[str, Any] = {"description": one.says, "content": {JSON: {"schema": schemas[id(one.answer)]}}}
    if one.status == 202:
        good["headers"] = {"Location": {"description": "Where the job is.", "schema": {"type": "string"}}}
    return good


def _refusals(one: Operation, schemas: Mapping[int, Any]) -> dict[str, Any]:
    unsafe = OF_THE_GATE_UNSAFE if one.method == "POST" else ()
    content = {JSON: {"schema": schemas[id(answers.ErrorBody)]}}
    codes = sorted({*OF_THE_GATE, *unsafe, *one.refusals})
    return {str(code): {"description": REFUSALS[code], "content": content} for code in codes}
