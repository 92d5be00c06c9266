"""API keys and customers, as a caller sees them: secrets shown once, other tenants invisible, calls done once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tollkeeper.identity import KeyKind, create_key, key_kind_of
from tollkeeper.infra import Runtime, forget_idempotency_keys
from tollkeeper.kit import FixedClock, new_id

from .callers import Caller, problem, register
from .team import joined


async def make_key(caller: Caller, name: str = "server", **more: Any) -> dict[str, Any]:
    answer = await caller("POST", "/keys", {"name": name, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def as_key(caller: Caller, **more: Any) -> Caller:
    return Caller(caller.http, (await make_key(caller, **more))["secret"])


async def test_a_key_shows_its_secret_once_and_works(ada: Caller) -> None:
    made = await make_key(ada)
    secret = made.pop("secret")
    assert secret.startswith(made["prefix"])
    assert made["prefix"].startswith("tk_live_")
    assert secret.endswith(made["last_four"])
    assert (made["status"], made["use_count"], made["last_used_at"]) == ("active", 0, None)
    assert made["scopes"] == ["billing:read", "keys:read", "usage:read", "usage:write"]
    listed = await ada("GET", "/keys")
    assert listed.json() == {"data": [made], "next_cursor": None}
    assert secret not in listed.text
    me = (await Caller(ada.http, secret)("GET", "/auth/me")).json()
    assert (me["kind"], me["user"], me["organization"]["name"]) == ("api_key", None, "ada")
    assert me["permissions"] == made["scopes"]


async def test_a_test_key_looks_like_one(ada: Caller) -> None:
    assert (await make_key(ada, kind="test"))["secret"].startswith("tk_test_")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x\x00"}, "name"),
        ({"name": "x", "expires_at": "2026-03-10T12:00:00Z"}, "expires_at"),
        ({"name": "x", "expires_at": "2026-03-10T13:00:00"}, "expires_at"),
        ({"name": "x", "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ({"name": "x", "expires_at": "soon"}, "expires_at"),
        ({"name": "x", "scopes": ["everything"]}, "scopes.0"),
        ({"name": "x", "scopes": "usage:read"}, "scopes"),
        ({"name": "x", "scopes": ["usage:read"] * 99}, "scopes"),
        ({"name": "x", "kind": "operator"}, "kind"),
        ({"name": "x", "organization_id": str(new_id())}, "organization_id"),
    ],
)
async def test_a_bad_key_is_not_made(ada: Caller, body: dict[str, Any], field: str) -> None:
    answer = await ada("POST", "/keys", body)
    assert problem(answer) == (422, "invalid_input")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await ada("GET", "/keys")).json()["data"] == []


async def test_an_expired_key_says_so(ada: Caller, clock: FixedClock) -> None:
    key = await make_key(ada, expires_at=(clock.now() + timedelta(minutes=1)).isoformat())
    clock.advance(timedelta(minutes=1))
    assert (await ada("GET", "/keys")).json()["data"][0]["status"] == "expired"
    assert problem(await ada("POST", f"/keys/{key['id']}/rotate")) == (409, "key_ended")


async def test_keys_are_listed_newest_first_page_by_page(ada: Caller) -> None:
    names = [(await make_key(ada, f"key {number}"))["name"] for number in range(5)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await ada("GET", f"/keys?limit=2{cursor}")).json()
        assert len(page["data"]) <= 2
        seen += [key["name"] for key in page["data"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert seen == names[::-1]
    for query, field in (
        ("cursor=x", "cursor"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=%00", "cursor"),
    ):
        answer = await ada("GET", f"/keys?{query}")
        assert problem(answer) == (422, "invalid_input")
        assert answer.json()["errors"][0]["field"] == field


async def test_a_revoked_key_is_gone_at_once(ada: Caller) -> None:
    key = await make_key(ada)
    program = Caller(ada.http, key["secret"])
    assert (await program("GET", "/keys")).status_code == 200
    for _ in range(2):
        assert (await ada("DELETE", f"/keys/{key['id']}")).status_code == 204
    assert problem(await program("GET", "/keys")) == (401, "unauthenticated")
    assert (await ada("GET", "/keys")).json()["data"] == []
    assert [each["status"] for each in (await ada("GET", "/keys?with_revoked=true")).json()["data"]] == ["revoked"]
    assert problem(await ada("POST", f"/keys/{key['id']}/rotate")) == (409, "key_ended")


async def test_a_rotated_key_keeps_its_old_secret_for_the_grace_asked_for(ada: Caller, clock: FixedClock) -> None:
    first = await make_key(ada)
    answer = await ada("POST", f"/keys/{first['id']}/rotate", {"grace_seconds": 60})
    assert answer.status_code == 200
    second = answer.json()
    assert second["id"] == first["id"]
    assert second["secret"] != first["secret"]
    assert second["last_four"] == second["secret"][-4:]
    old, new = Caller(ada.http, first["secret"]), Caller(ada.http, second["secret"])
    clock.advance(timedelta(seconds=59))
    assert [(await each("GET", "/keys")).status_code for each in (old, new)] == [200, 200]
    clock.advance(timedelta(seconds=1))
    assert [(await each("GET", "/keys")).status_code for each in (old, new)] == [401, 200]


@pytest.mark.parametrize("body", [{"grace_seconds": -1}, {"grace_seconds": 2592001}, {"grace_seconds": "60"}, {"x": 1}])
async def test_a_bad_grace_rotates_nothing(ada: Caller, body: dict[str, Any]) -> None:
    key = await make_key(ada)
    assert problem(await ada("POST", f"/keys/{key['id']}/rotate", body)) == (422, "invalid_input")
    assert (await Caller(ada.http, key["secret"])("GET", "/keys")).status_code == 200


async def test_another_tenants_key_does_not_exist(ada: Caller, eve: Caller) -> None:
    key = await make_key(ada)
    for caller, key_id in ((eve, key["id"]), (ada, new_id()), (ada, "no-id")):
        assert problem(await caller("DELETE", f"/keys/{key_id}")) == (404, "key_not_found")
        assert problem(await caller("POST", f"/keys/{key_id}/rotate")) == (404, "key_not_found")
    assert (await eve("GET", "/keys")).json()["data"] == []
    organization = (await ada("GET", "/auth/me")).json()["organization"]["id"]
    assert problem(await eve("GET", f"/keys?customer={organization}")) == (404, "customer_not_found")
    body = {"name": "mine now", "customer": organization}
    assert problem(await eve("POST", "/keys", body)) == (404, "customer_not_found")
    assert (await ada("POST", "/keys", body)).status_code == 201  # naming oneself is no harm


async def test_nobody_gives_away_more_than_they_have(ada: Caller) -> None:
    wide = await make_key(ada, "wide", scopes=["keys:manage", "keys:read", "billing:manage"])
    plain = await as_key(ada)
    assert problem(await plain("POST", "/keys", {"name": "x"})) == (403, "forbidden")
    narrow = await as_key(ada, scopes=["keys:manage", "keys:read"])
    for body in ({"name": "x"}, {"name": "x", "scopes": ["billing:manage"]}):
        assert problem(await narrow("POST", "/keys", body)) == (403, "forbidden")
    assert (await narrow("POST", "/keys", {"name": "x", "scopes": ["keys:read"]})).status_code == 201
    assert problem(await ada("POST", "/keys", {"name": "x", "scopes": ["keys:verify"]})) == (403, "forbidden")
    # A rotation would hand out the wide key's powers; the refusal leaves its secret as it was.
    assert problem(await narrow("POST", f"/keys/{wide['id']}/rotate")) == (403, "forbidden")
    assert (await Caller(ada.http, wide["secret"])("GET", "/keys")).status_code == 200
    # Nor does it open the wide key to other networks.
    assert problem(await narrow("PATCH", f"/keys/{wide['id']}", {"networks": []})) == (403, "forbidden")
    # A directory's key gives roles, so it takes all that they may do to make one.
    hiring = await as_key(ada, scopes=["keys:manage", "members:provision"])
    wish = {"name": "x", "scopes": ["members:provision"]}
    assert problem(await hiring("POST", "/keys", wish)) == (403, "forbidden")


async def test_a_key_that_a_key_made_ends_with_whoever_made_the_first(
    ada: Caller, program: Caller, runtime: Runtime
) -> None:
    grace, member = await joined(runtime, ada, "grace@example.com", "developer")
    first = await as_key(grace, scopes=["keys:manage", "keys:read"])
    second = await make_key(first, scopes=["keys:read"])
    assert second["created_by"] == member["user"]["id"]
    assert (await Caller(program.http, second["secret"])("GET", "/keys")).status_code == 200
    assert (await ada("DELETE", f"/members/{member['user']['id']}")).status_code == 204
    assert (await Caller(program.http, second["secret"])("GET", "/keys")).status_code == 401


async def test_nobody_logged_in_reaches_no_key_or_customer(program: Caller) -> None:
    for method, path in (
        ("GET", "/keys"),
        ("POST", "/keys"),
        ("POST", f"/keys/{new_id()}/rotate"),
        ("DELETE", f"/keys/{new_id()}"),
        ("GET", "/customers"),
        ("POST", "/customers"),
        ("GET", f"/customers/{new_id()}"),
        ("GET", "/auth/me"),
    ):
        assert problem(await program(method, path, {"name": "x"})) == (401, "unauthenticated"), path


async def test_an_operator_keeps_customers_and_their_keys(operator: Caller, runtime: Runtime) -> None:
    made = await operator("POST", "/customers", {"name": "Acme", "external_id": "crm/42"})
    assert made.status_code == 201
    acme = made.json()
    assert (acme["name"], acme["external_id"]) == ("Acme", "crm/42")
    for ref in (acme["id"], "crm/42"):
        assert (await operator("GET", f"/customers/{ref}")).json() == acme
    key = await make_key(operator, customer="crm/42")
    listed = (await operator("GET", f"/keys?customer={acme['id']}")).json()["data"]
    assert [each["id"] for each in listed] == [key["id"]]
    me = (await Caller(operator.http, key["secret"])("GET", "/auth/me")).json()
    assert me["organization"] == acme
    for answer in (await operator("GET", "/keys"), await operator("POST", "/keys", {"name": "x"})):
        assert problem(answer) == (422, "invalid_input")
        assert answer.json()["errors"][0]["field"] == "customer"
    async with runtime.transaction() as tx:
        owner, _ = await create_key(tx, organization_id=None, created_by=None, name="second", kind=KeyKind.OPERATOR)
    # An operator's key belongs to no customer, so it cannot be reached as one of theirs.
    assert problem(await operator("DELETE", f"/keys/{owner.id}?customer=crm/42")) == (404, "key_not_found")


async def test_an_external_id_names_one_customer(operator: Caller) -> None:
    body = {"name": "Acme", "external_id": "42"}
    answers = await asyncio.gather(*(operator("POST", "/customers", body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert problem(await operator("POST", "/customers", body)) == (409, "external_id_taken")
    assert len((await operator("GET", "/customers")).json()["data"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"external_id": "x"}, "name"),
        ({"name": "x", "external_id": ""}, "external_id"),
        ({"name": "x", "external_id": "x\x00"}, "external_id"),
        ({"name": "x", "external_id": " x"}, "external_id"),
        ({"name": "x", "external_id": "x" * 256}, "external_id"),
    ],
)
async def test_a_bad_customer_is_not_made(operator: Caller, body: dict[str, Any], field: str) -> None:
    answer = await operator("POST", "/customers", body)
    assert problem(answer) == (422, "invalid_input")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_customers_are_the_operators_business(ada: Caller, operator: Caller) -> None:
    organization = (await ada("GET", "/auth/me")).json()["organization"]["id"]
    assert problem(await ada("POST", "/customers", {"name": "x"})) == (403, "operator_needed")
    for path in ("/customers", f"/customers/{organization}"):
        assert problem(await ada("GET", path)) == (403, "operator_needed")
    assert (await operator("GET", f"/customers/{organization}")).status_code == 200
    for ref in (new_id(), "nobody", "a%00b"):
        assert problem(await operator("GET", f"/customers/{ref}")) == (404, "customer_not_found")


async def test_customers_are_listed_page_by_page(operator: Caller) -> None:
    for number in range(3):
        await operator("POST", "/customers", {"name": f"Customer {number}"})
    first = (await operator("GET", "/customers?limit=2")).json()
    second = (await operator("GET", f"/customers?limit=2&cursor={first['next_cursor']}")).json()
    assert [each["name"] for each in first["data"] + second["data"]] == ["Customer 2", "Customer 1", "Customer 0"]
    assert second["next_cursor"] is None


async def test_the_same_key_and_body_replays_the_answer_with_its_secret(ada: Caller, runtime: Runtime) -> None:
    first = await ada("POST", "/keys", {"name": "server", "kind": "live"}, Idempotency_Key="once")
    assert first.status_code == 201
    assert "idempotent-replayed" not in first.headers
    again = await ada("POST", "/keys", {"kind": "live", "name": "server"}, Idempotency_Key="once")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await ada("GET", "/keys")).json()["data"]) == 1
    async with runtime.transaction() as tx:
        kept = await (await (await tx.raw()).execute("select answer from idempotency_keys")).fetchall()
    assert len(kept) == 1
    assert first.json()["secret"] not in kept[0][0]


async def test_the_same_key_with_another_call_is_refused(ada: Caller, operator: Caller) -> None:
    key = (await ada("POST", "/keys", {"name": "server"}, Idempotency_Key="once")).json()
    other = await ada("POST", "/keys", {"name": "other"}, Idempotency_Key="once")
    assert problem(other) == (409, "idempotency_key_reused")
    rotation = await ada("POST", f"/keys/{key['id']}/rotate", Idempotency_Key="once")
    assert problem(rotation) == (409, "idempotency_key_reused")
    assert (await operator("POST", "/customers", {"name": "x"}, Idempotency_Key="once")).status_code == 201


async def test_an_idempotency_key_is_its_callers_own(ada: Caller, eve: Caller) -> None:
    program = await as_key(ada, scopes=["usage:read", "usage:write", "keys:manage", "keys:read", "billing:read"])
    secrets = set()
    for caller in (ada, eve, program):
        answer = await caller("POST", "/keys", {"name": "server"}, Idempotency_Key="once")
        assert answer.status_code == 201
        secrets.add(answer.json()["secret"])
    assert len(secrets) == 3


async def test_a_failed_call_leaves_its_key_free(ada: Caller, clock: FixedClock) -> None:
    body = {"name": "x", "expires_at": (clock.now() + timedelta(days=4000)).isoformat()}
    for _ in range(2):
        assert problem(await ada("POST", "/keys", body, Idempotency_Key="once")) == (422, "invalid_input")
    assert (await ada("POST", "/keys", {"name": "x"}, Idempotency_Key="once")).status_code == 201


async def test_the_same_call_at_once_is_done_once(ada: Caller) -> None:
    answers = await asyncio.gather(
        *(ada("POST", "/keys", {"name": "server"}, Idempotency_Key="once") for _ in range(4))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["secret"] for answer in answers}) == 1
    assert len((await ada("GET", "/keys")).json()["data"]) == 1


async def test_a_key_begins_anew_after_a_day(ada: Caller, runtime: Runtime, clock: FixedClock) -> None:
    program = await as_key(ada, scopes=["keys:manage", "keys:read"])
    body = {"name": "x", "scopes": ["keys:read"]}
    first = await program("POST", "/keys", body, Idempotency_Key="once")
    clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    again = await program("POST", "/keys", body, Idempotency_Key="once")
    assert again.json() == first.json()
    clock.advance(timedelta(seconds=1))
    anew = await program("POST", "/keys", body, Idempotency_Key="once")
    assert anew.json()["id"] != first.json()["id"]
    clock.advance(timedelta(hours=24))
    async with runtime.transaction() as tx:
        await forget_idempotency_keys.handler(tx)
        left = await (await (await tx.raw()).execute("select count(*) from idempotency_keys")).fetchone()
    assert left == (0,)


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "ä"])
async def test_a_bad_idempotency_key_is_refused(ada: Caller, key: str) -> None:
    headers = {"Authorization": f"Bearer {ada.bearer}", "Idempotency-Key": key.encode("latin-1")}
    answer = await ada.http.post("/api/keys", json={"name": "x"}, headers=headers)  # type: ignore[arg-type]
    assert problem(answer) == (422, "invalid_input")


async def test_made_secrets_are_well_formed(ada: Caller) -> None:
    assert key_kind_of((await make_key(ada))["secret"]) is KeyKind.LIVE


async def test_two_registrations_do_not_share_an_organization(program: Caller) -> None:
    first, second = await register(program, "a@example.com"), await register(program, "b@example.com")
    assert first["organization"]["id"] != second["organization"]["id"]
