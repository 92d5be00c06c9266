"""`expand[]`: ids become objects, and fields that are only shown on request appear; on any object, by its fields."""

from typing import Any

from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import KINDS
from stripe_twin.core.unit import Unit

_MAX_DEPTH = 4


def expand(unit: Unit, shown: Json, paths: list[str]) -> Json:
    """The rendered object with every path expanded, in place."""
    for path in paths:
        steps = path.split(".")
        if len(steps) - (steps[0] == "data") > _MAX_DEPTH:
            raise invalid(f"You cannot expand more than {_MAX_DEPTH} levels of a property: {path}", param="expand")
        _walk(unit, shown, steps, path)
    return shown


def _walk(unit: Unit, node: Any, steps: list[str], path: str) -> None:
    if isinstance(node, list):
        for item in node:
            _walk(unit, item, steps, path)
        return
    if not isinstance(node, dict):
        raise _refusal(steps, path)
    name, rest = steps[0], steps[1:]
    _open(unit, node, name, path)
    if rest and node[name] is not None:
        _walk(unit, node[name], rest, path)


def _open(unit: Unit, node: Json, name: str, path: str) -> None:
    """Make the field hold an object, a list or null."""
    kind = KINDS.get(str(node.get("object")))
    include = kind.includable.get(name) if kind else None
    if include and not isinstance(node.get(name), dict):
        node[name] = include(unit, unit.store.get(node["id"]) or node)
    if name not in node:
        raise _refusal([name], path)
    value = node[name]
    if isinstance(value, str):
        node[name] = _fetch(unit, value, path)
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        node[name] = [_fetch(unit, item, path) for item in value]
    elif value is not None and not isinstance(value, dict | list):
        raise _refusal([name], path)


def _fetch(unit: Unit, ident: str, path: str) -> Json:
    document = unit.store.get(ident)
    if document is None:
        raise _refusal(path.split("."), path)
    return unit.render(document)


def _refusal(steps: list[str], path: str) -> Exception:
    return invalid(
        f"This property cannot be expanded ({path}). Check the spelling of '{steps[0]}'; "
        f"in lists the path starts with 'data.'.",
        param="expand",
    )
