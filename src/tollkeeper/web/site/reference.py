"""The API reference as a page: the application's OpenAPI document, grouped by tag and flattened for reading."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
MAX_DEPTH = 3

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body, answer or query. `name` is dotted below the first level; `kind` is the type in words."""

    name: str
    kind: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One documented answer of a call."""

    status: str
    text: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One method on one address."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The calls of one tag."""

    anchor: str
    title: str
    calls: tuple[Call, ...]


def groups_of(document: Schema) -> list[Group]:
    """Return every call of the document by its first tag, in the document's order."""
    found: dict[str, list[Call]] = {}
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                tag = next(iter(item[method].get("tags", [])), "other")
                found.setdefault(tag, []).append(_call(document, path, method, item[method]))
    return [Group(_anchor(tag), tag[:1].upper() + tag[1:], tuple(calls)) for tag, calls in found.items()]


def _anchor(text: str) -> str:
    return "-".join(part for part in "".join(c if c.isalnum() else " " for c in text.lower()).split())


def _call(document: Schema, path: str, method: str, operation: Schema) -> Call:
    content = _resolve(document, operation.get("requestBody", {})).get("content", {})
    body = _schema_of(content)
    summary, description = operation.get("summary", ""), operation.get("description", "").strip()
    if description:
        # The first sentence of a docstring says it best; FastAPI's own summary is the function's name.
        summary, _, description = description.partition("\n\n")
    return Call(
        anchor=_anchor(f"{method} {path}"),
        method=method.upper(),
        path=path,
        summary=" ".join(summary.split()),
        description=description,
        parameters=tuple(_parameter(document, each) for each in operation.get("parameters", [])),
        body=tuple(_fields(document, body)),
        answers=tuple(_answer(document, status, each) for status, each in operation.get("responses", {}).items()),
    )


def _parameter(document: Schema, parameter: Schema) -> Field:
    parameter = _resolve(document, parameter)
    schema = parameter.get("schema", {})
    kind = f"{_kind(document, schema)}, in {parameter['in']}"
    return Field(parameter["name"], kind, parameter.get("required", False), parameter.get("description", ""))


def _answer(document: Schema, status: str, answer: Schema) -> Answer:
    answer = _resolve(document, answer)
    schema = _schema_of(answer.get("content", {}))
    is_failure = status >= "400"
    text = answer.get("description", "")
    return Answer(status, text, () if is_failure else tuple(_fields(document, schema)))


def _schema_of(content: Schema) -> Schema:
    for form in content.values():
        schema: Schema = form.get("schema", {})
        return schema
    return {}


def _fields(document: Schema, schema: Schema, prefix: str = "", depth: int = 0) -> list[Field]:
    schema = _flat(document, schema)
    if schema.get("type") == "array":
        return _fields(document, schema.get("items", {}), f"{prefix}[].".replace("..", "."), depth)
    required = set(schema.get("required", []))
    found = []
    for name, inner in schema.get("properties", {}).items():
        text = inner.get("description", "")
        found.append(Field(f"{prefix}{name}", _kind(document, inner), name in required, text))
        flat = _flat(document, inner)
        nested = flat.get("items", {}) if flat.get("type") == "array" else flat
        if depth + 1 < MAX_DEPTH and _flat(document, nested).get("properties"):
            mark = "[]." if flat.get("type") == "array" else "."
            found.extend(_fields(document, nested, f"{prefix}{name}{mark}", depth + 1))
    return found


def _resolve(document: Schema, part: Schema) -> Schema:
    reference = part.get("$ref")
    if not reference:
        return part
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found.get(step, {})
    resolved: Schema = found
    return resolved


def _flat(document: Schema, schema: Schema) -> Schema:
    schema = _resolve(document, schema)
    options = [each for each in schema.get("anyOf", schema.get("allOf", ())) if each.get("type") != "null"]
    return _flat(document, options[0]) if len(options) == 1 else schema


def _kind(document: Schema, schema: Schema) -> str:
    schema = _resolve(document, schema)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(document, each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return f"{schema['const']!r}"
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_kind(document, schema.get('items', {}))}"
    return {"date-time": "time", "uuid": "id"}.get(schema.get("format", ""), str(kind))
