"""Nonsense in every place where something can be sent: refused in words or taken, never a fault of ours."""

import re
from typing import Any

import httpx
import pytest

from tollkeeper.wiring import build_api

from .grid import GRID, ZERO, Route
from .world import World, crash, fault, filled

NUL, SURROGATE = "a\x00b", "a\ud800b"
NONSENSE: tuple[Any, ...] = (
    "",
    " ",
    "x" * 100_000,
    "' or 1=1 --",
    "\u202e\u0007",
    "{0.__class__}",
    "../../etc/passwd",
    True,
    None,
    0,
    -1,
    2**31,
    2**63,
    -(2**63) - 1,
    10**40,
    1.5,
    1e308,
    [],
    ["a"],
    {},
    {"$gt": ""},
    "9999-12-31T23:59:59.999999999Z",
    "0001-01-01T00:00:00+14:00",
)
BROKEN_BODIES = (
    b"",
    b"{",
    b'{"a":',
    b"\xff\xfe\x00",
    b'"\xed\xa0\x80"',
    b"[" * 100_000,
    b'{"a":' * 20_000,
    b"[]",
    b"null",
    b"5",
    b'"text"',
    b'{"count": NaN}',
    b'{"count": ' + b"9" * 5000 + b"}",
    b'{"feature": "prompts", "feature": 5}',
    b"feature=prompts",
)


@pytest.fixture
def document(world: World) -> Any:
    return build_api(world.runtime).openapi()


def fields_of(document: Any, route: Route, where: str) -> list[str]:
    """The names a route takes in its body or query, as the OpenAPI document has them."""
    operation = document["paths"][route.path][route.method.lower()]
    if where == "query":
        return [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
    if "requestBody" not in operation:
        return []
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    chosen = next(each for each in [schema, *schema.get("anyOf", [])] if "$ref" in each or "properties" in each)
    found = document["components"]["schemas"][chosen["$ref"].split("/")[-1]] if "$ref" in chosen else chosen
    return list(found["properties"])


def standing(world: World, route: Route) -> dict[str, str]:
    """Words in braces for calls that fail anyway, so that nothing has to be made for them."""
    needed = re.findall(r"\{(\w+)\}", f"{route.path} {route.body} {route.query}")
    present = {"customer": world.known["ada_id"], "key_id": world.known["ada_key_id"], "refresh_token": "spent"}
    return dict.fromkeys(needed, ZERO) | present | world.known


async def spoilt(world: World, route: Route, name: str, value: Any) -> httpx.Response:
    known = standing(world, route)
    body = filled(route.body, known) | {name: value}
    return await world.call(route.method, route.path.format(**known), body, by=route.caller)


async def test_nonsense_in_any_field_of_a_body(world: World, document: Any) -> None:
    faults = []
    for route in GRID:
        if route.body is None:
            continue
        for name in fields_of(document, route, "body"):
            for value in NONSENSE:
                found = crash(await spoilt(world, route, name, value))
                faults += [f"{name}={str(value)[:40]!r}: {found}"] if found else []
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("text", [NUL, SURROGATE])
async def test_text_that_cannot_be_stored_is_refused_in_any_field(world: World, document: Any, text: str) -> None:
    faults = []
    for route in GRID:
        if route.body is None:
            continue
        for name in fields_of(document, route, "body"):
            answer = await spoilt(world, route, name, text)
            if answer.is_success and not answer.json().get("valid", True):
                continue  # asked about a key that cannot exist, an operator hears just that
            found = fault(answer, 400, 401, 404, 422)
            faults += [f"{name}: {found}"] if found else []
    assert not faults, "\n".join(faults)


async def test_bodies_that_are_no_object_of_ours(world: World) -> None:
    faults = []
    for route in GRID:
        if not route.body:
            continue
        for content in BROKEN_BODIES:
            answer = await world.good(route, body=content)
            if content in {b"", b"null"} and (answer.is_success or answer.status_code in {403, 409}):
                continue  # where everything in the body may be left out, so may the body
            if content == b"[]" and route.path == "/api/events":
                continue  # an array of no events
            found = fault(answer, 400, 401, 422)
            faults += [f"{content[:30]!r}: {found}"] if found else []
        found = fault(
            await world.good(route, headers={"Content-Type": "text/plain; charset=no-such"}), 400, 401, 415, 422
        )
        if found and route.path not in {
            "/api/usage/track",
            "/api/usage/check",
            "/api/usage/track/batch",
        }:  # these read JSON whatever it is called
            faults.append(found)
    assert not faults, "\n".join(faults)


async def test_nonsense_in_any_query_and_path(world: World, document: Any) -> None:
    faults = []
    for route in GRID:
        known = standing(world, route)
        for name in fields_of(document, route, "query"):
            for value in ("", "%00", "%ED%A0%80", "x" * 5000, "-1", "9" * 400, "1e400", "0001-01-01T00:00:00Z", "&&=%"):
                path = f"{route.path.format(**known)}?feature=prompts&{name}={value}"
                body = filled(route.body, known)
                found = crash(await world.call(route.method, path, body, by=route.caller))
                faults += [f"{name}: {found}"] if found else []
        placeholder = route.path.partition("{")[2].partition("}")[0]
        for value in (
            "%00",
            "a%00b",
            "%ED%A0%80",
            "%2e%2e%2fplans",
            "x" * 3000,
            "0",
            "-",
            "%20",
            "00000000-0000",
        ) * bool(placeholder):
            path = route.path.replace(f"{{{placeholder}}}", value)
            found = fault(await world.call(route.method, path, route.body, by=route.caller), 404, 405, 422)
            faults += [found] if found else []
    assert not faults, "\n".join(faults)


async def test_nonsense_in_headers(world: World) -> None:
    nonsense = (b"", b" ", b"\xff\xfe", b"Bearer", b"Bearer \xff", b"Basic Og==", b"a=b; " * 500, b"x" * 20_000)
    faults = []
    for name in ("Authorization", "Cookie", "Idempotency-Key", "X-Request-Id", "Accept", "Stripe-Signature", "Range"):
        for value in nonsense:
            for call in ("POST /api/keys", "GET /api/keys", "POST /api/webhooks/stripe", "POST /api/usage/track"):
                method, path = call.split(" ")
                credential = {} if name == "Authorization" else {"Authorization": f"Bearer {world.bearers['ada']}"}
                found = crash(await world.call(method, path, {"name": "n"}, headers={**credential, name: value}))
                faults += [f"{name}: {value[:20]!r}: {found}"] if found else []
    assert not faults, "\n".join(faults)


async def test_nothing_of_it_was_counted_or_left_behind(world: World) -> None:
    track = next(route for route in GRID if route.call == "POST /api/usage/track")
    for name in ("feature", "count", "idempotency_key", "at", "customer"):
        for value in (NUL, SURROGATE, -1, 10**40):
            answer = await spoilt(world, track, name, value)
            assert answer.status_code in {404, 422}, answer.text
    usage = (await world.call("GET", "/api/usage", by="ada")).json()
    assert {each["used"] for each in usage["data"] if each["feature"] != "seats"} == {0}
