"""Every route, for every kind of call."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from tollkeeper import identity
from tollkeeper.gate import COOKIELESS_PATHS
from tollkeeper.gate.rates import AUTH, group_of
from tollkeeper.infra import Runtime
from tollkeeper.kit import Permission
from tollkeeper.orgs.roles import GRANTABLE
from tollkeeper.wiring import build_api

from .grid import ANYONE, GRID, OPERATOR, PERSON, PUBLIC, STAFF
from .pages import PAGES
from .world import World, fault, filled

ONE_BYTE_TOO_MUCH = b'"' + b"x" * (1024 * 1024 - 1) + b'"'
PRIVATE = [route for route in GRID if route.needs != PUBLIC]


def routes_of(runtime: Runtime) -> set[str]:
    """Every route the server has, as `METHOD path`."""
    return {
        f"{method} {route.path_format or route.path}"
        for route in iter_route_contexts(build_api(runtime).routes)
        for method in (route.methods or set()) - {"HEAD"}
    }


def of_the_api(call: str) -> bool:
    return call.split(" ")[1].startswith(("/api/", "/health", "/metrics"))


def test_every_route_is_in_the_grid(runtime: Runtime) -> None:
    found, listed = {call for call in routes_of(runtime) if of_the_api(call)}, [route.call for route in GRID]
    assert len(listed) == len(set(listed))
    assert found - set(listed) == {"GET /api/openapi.json"}, "say in grid.py what these need, even when it is nothing"
    assert set(listed) - found == set(), "these are gone"


def test_who_proves_something_without_a_login_is_counted_with_logging_in() -> None:
    open_to_all = [each.call for each in GRID if each.needs == PUBLIC]
    open_to_all += [each.call for each in PAGES if each.needs == PUBLIC]
    writes = {call for call in open_to_all if call.startswith("POST ")}
    otherwise = {call for call in writes if group_of(*call.split(" ")) != AUTH}
    # A delivery is signed, a report is believed in nothing, who logs out has a session or nothing, and components that
    # are tried out do nothing.
    assert otherwise == {"POST /api/webhooks/stripe", "POST /api/csp-reports", "POST /logout", "POST /ui"}


def test_every_route_is_documented(runtime: Runtime) -> None:
    paths = build_api(runtime).openapi()["paths"]
    documented = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert documented == {route.call for route in GRID}


async def test_a_good_call_succeeds(world: World) -> None:
    faults = []
    for route in GRID:
        if route.success is None:
            continue
        answer = await world.good(route)
        if answer.status_code != route.success:
            faults.append(f"{route.call}: {answer.status_code} {answer.text[:300]}")
    assert not faults, "\n".join(faults)


async def test_the_older_path_is_the_same(world: World) -> None:
    for route in GRID:
        if route.path.startswith("/api/") and not route.writes and "{" not in route.path:
            older = replace(route, call=route.call.replace("/api/", "/api/v1/"))
            assert (await world.good(older)).status_code == route.success, route.call


async def test_every_wrong_field_is_named(world: World) -> None:
    faults = []
    for route in GRID:
        if route.wrong is None:
            continue
        sent, names = route.wrong
        change: dict[str, Any] = {"body": sent} if route.body is not None else {"params": sent}
        answer = await world.good(route, **change)
        found = fault(answer, 422)
        if found is None and not names <= {each["field"] for each in answer.json()["errors"]}:
            found = f"{route.call} names {answer.json()['errors']}, not all of {sorted(names)}"
        faults += [found] if found else []
    assert not faults, "\n".join(faults)


async def test_a_field_nobody_knows_is_refused_by_name(world: World) -> None:
    faults = []
    for route in GRID:
        if not route.body or route.open:
            continue
        answer = await world.good(route, body={**route.body, "colour": "red"})
        found = fault(answer, 422)
        if found is None and "colour" not in {each["field"] for each in answer.json()["errors"]}:
            found = f"{route.call} does not name it: {answer.text}"
        faults += [found] if found else []
    assert not faults, "\n".join(faults)


async def test_without_a_valid_login_nothing_is_told(world: World) -> None:
    faults = []
    for credential in (None, "tk_live_nonsense", "not.a.token", "tk_op_", "x" * 5000):
        world.bearers |= {"stranger": credential} if credential else {}
        for route in PRIVATE:
            body = None if route.call == "POST /api/auth/logout" else route.body
            answer = await world.good(route, by="stranger", body=filled(body, world.known | {"refresh_token": "x"}))
            found = fault(answer, 401)
            if found is None and answer.headers.get("www-authenticate") != "Bearer":
                found = f"{route.call} does not say how to log in"
            faults += [found] if found else []
    assert not faults, "\n".join(faults)


async def test_without_the_right_there_is_a_403(world: World) -> None:
    faults = []
    for route in PRIVATE:
        if route.needs == ANYONE:
            continue
        others = {PERSON: ["key", "operator"], OPERATOR: ["ada", "key"], STAFF: ["ada", "key", "operator"]}
        callers = others.get(route.needs, [f"all but {route.needs}"])
        if route.call == "POST /api/keys/verify":
            callers.append(f"all but {Permission.KEYS_VERIFY}")
        for caller in callers:
            found = fault(await world.good(route, by=caller), 403)
            faults += [f"as {caller}: {found}"] if found else []
    assert not faults, "\n".join(faults)


async def test_a_role_of_ones_own_that_lacks_the_right_gets_a_403(world: World) -> None:
    """As above for people: a member whose role may do all that can be granted, but for the one thing."""
    await world.now_may(GRANTABLE)
    assert (await world.call("GET", "/api/keys", by="carl")).status_code == 200
    faults = []
    for permission in Permission:
        routes = [route for route in PRIVATE if route.needs == permission]
        if routes:
            await world.now_may(GRANTABLE - {permission})
        for route in routes:
            answer = await world.good(route, by="carl")
            found = fault(answer, 403)
            if found is None and answer.json()["code"] != "forbidden":
                found = f"{route.call} says {answer.json()['code']}"
            faults += [f"without {permission}: {found}"] if found else []
    assert not faults, "\n".join(faults)


async def test_what_belongs_to_another_tenant_does_not_exist(world: World) -> None:
    faults = []
    for route in GRID:
        if route.others is None:
            continue
        theirs = filled(route.others, world.known)
        path, caller = route.path.format(**theirs), theirs.pop("as", route.caller)
        in_body, in_query = ({}, {}) if "{" in route.path else (theirs, {}) if route.body is not None else ({}, theirs)
        body = None if route.body is None else route.body | in_body
        params = {**filled(route.query, {"customer": world.known["ada_id"], **world.known}), **in_query}
        found = fault(await world.call(route.method, path, body, by=caller, params=params), 404)
        faults += [found] if found else []
    assert not faults, "\n".join(faults)


def test_every_route_that_names_a_thing_is_tried_with_anothers() -> None:
    assert [route.call for route in GRID if "{" in route.path and route.others is None] == []


async def test_another_method_is_a_405_that_lists_the_right_ones(world: World) -> None:
    faults = []
    for route in GRID:
        known = await world.fill(route)
        taken = {each.method for each in GRID if each.path == route.path}
        other = next(method for method in ("PUT", "POST") if method not in taken)
        answer = await world.call(other, route.path.format(**known), {}, by=route.caller)
        found = fault(answer, 405)
        if found is None and route.method not in answer.headers.get("allow", ""):
            found = f"{route.call}: Allow is {answer.headers.get('allow')}"
        faults += [found] if found else []
    assert not faults, "\n".join(faults)


async def test_an_unknown_path_is_a_404(world: World) -> None:
    for path in ("/api", "/api/", "/api/nothing", "/api/v1/nothing", "/api/v2/plans", "/api/keys/a/b"):
        for method in ("GET", "POST"):
            answer = await world.call(method, path, by="ada")
            assert fault(answer, 404) is None, answer.text
            assert answer.json()["code"] == "route_not_found"


@pytest.mark.parametrize("declared", [True, False])
async def test_a_huge_body_is_refused_unread(world: World, declared: bool) -> None:
    async def in_pieces() -> Any:
        for start in range(0, len(ONE_BYTE_TOO_MUCH), 65536):
            yield ONE_BYTE_TOO_MUCH[start : start + 65536]

    faults = []
    for route in GRID:
        # Who sends in pieces is stopped where the body is read, which is after everything that is refused without it.
        if not route.writes or (not declared and route.body is None):
            continue
        content = ONE_BYTE_TOO_MUCH if declared else in_pieces()
        answer = await world.good(route, body=None, content=content, headers={"Content-Type": "application/json"})
        found = fault(answer, 413)
        faults += [found] if found else []
    assert not faults, "\n".join(faults)


async def test_a_write_with_a_session_cookie_needs_its_token(world: World) -> None:
    registered = await world.client.post(
        "/api/auth/register", json={"email": "grace@example.com", "password": "correct horse battery"}
    )
    session = registered.cookies[identity.SESSION_COOKIE]
    world.client.cookies.clear()
    cookie = {"Cookie": f"{identity.SESSION_COOKIE}={session}"}
    faults = []
    for route in GRID:
        if not route.writes or route.path in COOKIELESS_PATHS:
            continue
        for token in ({}, {identity.CSRF_HEADER: "0" * 64}, {identity.CSRF_HEADER: b"\xff"}):
            found = fault(await world.good(route, by="cookie", headers=cookie | token), 403)
            faults += [found] if found else []
    assert not faults, "\n".join(faults)
    token = {identity.CSRF_HEADER: identity.csrf_token(session)}
    made = await world.call("POST", "/api/keys", {"name": "from the page"}, headers=cookie | token)
    assert made.status_code == 201, made.text
    assert (await world.call("GET", "/api/keys", headers=cookie)).status_code == 200, "reading needs no token"


async def test_a_creating_call_sent_twice_is_done_once(world: World) -> None:
    for number, route in enumerate(route for route in GRID if route.once):
        known = await world.fill(route)
        path, body = route.path.format(**known), filled(route.body, known)
        key = {"Idempotency-Key": f"order-{number}"}
        first = await world.call("POST", path, body, by=route.caller, headers=key)
        again = await world.call("POST", path, body, by=route.caller, headers=key)
        assert first.status_code == again.status_code == route.success, first.text
        assert again.headers["idempotent-replayed"] == "true"
        assert again.content == first.content
        other = await world.call("POST", path, {**(body or {}), "name": "another"}, by=route.caller, headers=key)
        assert fault(other, 409, 422) is None, f"{route.call}: {other.text}"


async def test_any_other_write_sent_twice_does_no_harm(world: World) -> None:
    faults = []
    for number, route in enumerate(route for route in GRID if route.writes and not route.once and route.success):
        known = await world.fill(route)
        path, body = route.path.format(**known), filled(route.body, known)
        sent = {"headers": {"Idempotency-Key": f"again-{number}"}, "params": filled(route.query, known)}
        for status in (route.success, None):
            answer = await world.call(route.method, path, body, by=route.caller, **sent)
            if status is not None and answer.status_code != status:
                faults.append(f"{route.call}: {answer.status_code} {answer.text[:200]}")
            found = None if answer.is_success else fault(answer, 401, 402, 403, 404, 409, 422, 429)
            faults += [f"again: {found}"] if found and status is None else []
    assert not faults, "\n".join(faults)


async def test_a_request_id_comes_back_when_it_is_sane(world: World) -> None:
    for sent, wanted in (("abc-123", "abc-123"), ("x" * 200, None), ("a b\tc", None)):
        answer = await world.call("GET", "/api/keys", headers={"X-Request-Id": sent})
        assert (answer.json()["request_id"] == sent) is (wanted is not None)
        assert fault(answer, 401) is None


async def test_a_plan_that_does_not_exist_cannot_be_bought(world: World) -> None:
    for path in ("/api/stripe/create-checkout", "/api/subscription/change", "/api/subscription/preview"):
        answer = await world.call("POST", path, {"plan": "platinum"}, by="ada")
        assert (fault(answer, 404), answer.json()["code"]) == (None, "plan_not_found"), answer.text
