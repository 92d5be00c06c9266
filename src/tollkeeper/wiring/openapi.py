"""The description of the API: what every call may be answered, failures included, and how callers are known."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from tollkeeper.infra import PROBLEM_MEDIA_TYPE, current_actor, optional_actor

PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457). `code` is for programs and stays; /docs/errors lists them all.",
    "required": ["type", "title", "status", "detail", "code", "hint", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "Where the code is explained."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was wrong this time."},
        "code": {"type": "string"},
        "hint": {"type": "string", "description": "What to do about it."},
        "request_id": {"type": "string", "description": "Name it when you ask for help."},
        "errors": {
            "type": "array",
            "description": "With 422: every field that is wrong.",
            "items": {
                "type": "object",
                "required": ["field", "message", "code"],
                "properties": {name: {"type": "string"} for name in ("field", "message", "code")},
            },
        },
    },
}
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key (`tk_live_...`), an operator's key (`tk_op_...`) or an access token.",
}
EVERYWHERE = {
    429: "Too many calls; see `Retry-After`.",
    503: "Something this call needs does not answer; see `Retry-After`.",
}
KNOWN_CALLERS = {
    401: "No valid credential.",
    403: "The key or role may not do this.",
    404: "No such customer, or nothing of this name.",
}
WRITES = {
    409: "It does not fit what is there already.",
    413: "The body is too large.",
    422: "Invalid fields, all named in `errors`.",
}
_OF_FRAMEWORK = ("HTTPValidationError", "ValidationError")
_METHODS = ("get", "post", "put", "patch", "delete")


def describe(app: FastAPI) -> None:
    """Have the application describe its failures as it answers them: as problem documents, none left out."""
    plain: Callable[[], dict[str, Any]] = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(plain(), dict(_callers(app)))
        return plain()

    app.openapi = whole  # type: ignore[method-assign]


def _complete(document: dict[str, Any], callers: dict[tuple[str, str], str]) -> None:
    parts = document.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = PROBLEM
    for name in _OF_FRAMEWORK:
        parts["schemas"].pop(name, None)
    parts["securitySchemes"] = {"bearer": BEARER}
    for path, methods in document["paths"].items():
        if not path.startswith("/api/") or path == "/api/health":
            continue
        for method in _METHODS:
            if method in methods:
                _complete_call(methods[method], callers.get((method, path), ""), writes=method != "get")


def _complete_call(call: dict[str, Any], caller: str, *, writes: bool) -> None:
    if caller:
        call["security"] = [{"bearer": []}] + ([{}] if caller == "optional" else [])
    general = EVERYWHERE | (KNOWN_CALLERS if caller else {}) | (WRITES if writes else {})
    answers = call["responses"]
    for status, words in general.items():
        answers.setdefault(str(status), {"description": words})
    for status, answer in answers.items():
        if status >= "400":
            if answer["description"] == "Validation Error":  # the framework's own word
                answer["description"] = WRITES[422]
            answer["content"] = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answers["431"] = {"description": "The head of the request is larger than 32 KiB. Without a body."}
    call["responses"] = dict(sorted(answers.items()))


def _callers(app: FastAPI) -> Iterator[tuple[tuple[str, str], str]]:
    """Which calls need to know who calls (`needed`), and which only want to (`optional`)."""
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        if dependant is None:
            continue
        wanted = set(_dependencies([dependant]))
        kind = "needed" if current_actor in wanted else "optional" if optional_actor in wanted else ""
        yield from (((method.lower(), str(route.path_format)), kind) for method in route.methods or ())


def _dependencies(waiting: Iterable[Dependant]) -> Iterator[Any]:
    for each in waiting:
        yield each.call
        yield from _dependencies(each.dependencies)
