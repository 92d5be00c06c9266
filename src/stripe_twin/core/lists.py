"""Lists with cursors and searches, the same for every kind."""

import re
from typing import Any

from stripe_twin.core.errors import invalid, missing
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import KINDS
from stripe_twin.core.store import Filter, equals, within
from stripe_twin.core.unit import Unit

_TERM = re.compile(r"""(-?)([\w.]+)(?:\[["'](.+?)["']\])?([:~])(?:"([^"]*)"|'([^']*)')""")


def page(unit: Unit, kind: str, url: str, args: Json, *filters: Filter) -> Json:
    """One page of objects, newest first, after or before the object named by the cursor."""
    conditions = list(filters)
    if "created" in args:
        conditions.append(within("$.created", args["created"]))
    limit = args.get("limit", 10)
    backwards = "ending_before" in args
    beyond = _cursor(unit, kind, args)
    found = unit.store.find(kind, *conditions, limit=limit + 1, oldest_first=backwards, beyond=beyond)
    chosen = found[:limit]
    if backwards:
        chosen.reverse()
    return listing(url, [unit.render(item) for item in chosen], has_more=len(found) > limit)


def listing(url: str, data: list[Any], *, has_more: bool = False, total: int | None = None) -> Json:
    """A list object."""
    shown: Json = {"object": "list", "data": data, "has_more": has_more}
    if total is not None:
        shown["total_count"] = total
    return {**shown, "url": url}


def _cursor(unit: Unit, kind: str, args: Json) -> Filter | None:
    if "starting_after" in args and "ending_before" in args:
        raise invalid("You cannot specify both starting_after and ending_before.")
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        if name in args:
            place = unit.store.position(args[name], kind)
            if place is None:
                raise missing(KINDS[kind].label, args[name], name)
            return Filter(f"seq {sign} ?", (place,))
    return None


def slice_page(url: str, items: list[Json], args: Json) -> Json:
    """One page of a list kept inside another object (invoice lines), in its own order."""
    start = 0
    if "starting_after" in args:
        start = next((n + 1 for n, item in enumerate(items) if item["id"] == args["starting_after"]), len(items))
    limit = args.get("limit", 10)
    return listing(url, items[start : start + limit], has_more=len(items) > start + limit)


def search(unit: Unit, kind: str, url: str, args: Json, fields: frozenset[str]) -> Json:
    """Stripe's search language: `field:'exact'`, `field~'part'`, `metadata['k']:'v'`, joined by AND; `-` negates."""
    query = args["query"]
    filters = [_condition(match, fields) for match in _TERM.finditer(query)]
    rest = re.sub(r"\s|\bAND\b", "", _TERM.sub("", query), flags=re.IGNORECASE)
    if rest or not filters:
        raise invalid(f"We were unable to parse your search query: {query}", param="query")
    limit = args.get("limit", 10)
    start = int(args.get("page") or 0)
    found = unit.store.find(kind, *filters)
    chosen = found[start : start + limit]
    more = len(found) > start + limit
    return {
        "object": "search_result",
        "data": [unit.render(item) for item in chosen],
        "has_more": more,
        "next_page": str(start + limit) if more else None,
        "url": url,
    }


def _condition(match: re.Match[str], fields: frozenset[str]) -> Filter:
    negated, name, key, sign, quoted, single = match.groups()
    value = quoted if quoted is not None else single
    if name == "metadata" and key is not None and re.fullmatch(r"[\w .-]+", key):
        path = f'$.metadata."{key}"'
    elif name in fields and key is None:
        path = f"$.{name}"
    else:
        raise invalid(f"Field `{name}` is an unsupported search field for this resource.", param="query")
    if sign == "~":
        condition = Filter(f"instr(lower(body ->> '{path}'), lower(?)) > 0", (value,))
    elif value in ("true", "false"):
        condition = equals(path, value == "true")
    else:
        condition = Filter(f"lower(body ->> '{path}') = lower(?)", (value,))
    return Filter(f"not coalesce({condition.sql}, false)", condition.args) if negated else condition
