"""Several organizations: founding, switching with a session and with tokens, naming, leaving."""

from datetime import timedelta
from typing import Any

from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock

from .callers import PASSWORD, Caller, problem, register
from .team import invited, joined


async def second(caller: Caller) -> dict[str, Any]:
    answer = await caller("POST", "/organizations", {"name": " Second  home "})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_founder_owns_what_they_found_and_stays_where_they_are(ada: Caller, clock: FixedClock) -> None:
    clock.advance(timedelta(seconds=1))
    founded = await second(ada)
    assert (founded["organization"]["name"], founded["role"]["key"], founded["current"]) == (
        "Second home",
        "owner",
        False,
    )
    places = (await ada("GET", "/organizations")).json()["data"]
    assert [(each["organization"]["name"], each["current"]) for each in places] == [
        ("ada", True),
        ("Second home", False),
    ]


async def test_a_program_switches_by_new_tokens(program: Caller) -> None:
    body = await register(program)
    ada = Caller(program.http, body["access_token"])
    wanted = (await second(ada))["organization"]
    moved = (await ada("POST", f"/organizations/{wanted['id']}/switch")).json()
    assert (moved["organization"], moved["csrf_token"]) == (wanted, None)
    there = Caller(program.http, moved["access_token"])
    assert (await there("GET", "/auth/me")).json()["organization"] == wanted
    # What was given out before goes on where it was, and cannot be refreshed there any more.
    assert (await ada("GET", "/auth/me")).json()["organization"] == body["organization"]
    fresh = await program("POST", "/auth/refresh", {"refresh_token": moved["refresh_token"]})
    assert fresh.json()["organization"] == wanted
    spent = await program("POST", "/auth/refresh", {"refresh_token": body["refresh_token"]})
    assert problem(spent) == (401, "refresh_token_reused")


async def test_a_browser_switches_by_a_new_cookie(anyone: Caller) -> None:
    await register(anyone)
    wanted = (await second(anyone))["organization"]
    before = anyone.http.cookies["tollkeeper_session"]
    moved = (await anyone("POST", f"/organizations/{wanted['id']}/switch")).json()
    assert (moved["access_token"], moved["refresh_token"]) == (None, None)
    assert anyone.http.cookies["tollkeeper_session"] != before
    me = (await anyone("GET", "/auth/me")).json()
    assert (me["organization"], me["kind"]) == (wanted, "session")
    anyone.http.cookies.clear()
    old = await anyone.http.get("/api/auth/me", headers={"Cookie": f"tollkeeper_session={before}"})
    assert old.status_code == 401  # a form of the other organization cannot act here


async def test_a_login_begins_where_one_was_last(program: Caller, clock: FixedClock) -> None:
    body = await register(program)
    ada = Caller(program.http, body["access_token"])
    wanted = (await second(ada))["organization"]
    login = ("POST", "/auth/login", {"email": "ada@example.com", "password": PASSWORD})
    assert (await program(*login)).json()["organization"] == body["organization"]
    await ada("POST", f"/organizations/{wanted['id']}/switch")
    assert (await program(*login)).json()["organization"] == wanted
    clock.advance(timedelta(seconds=1))
    await Caller(program.http, (await program(*login)).json()["access_token"])(
        "POST", f"/organizations/{body['organization']['id']}/switch"
    )
    assert (await program(*login)).json()["organization"] == body["organization"]


async def test_switching_does_not_prove_anything(ada: Caller, clock: FixedClock) -> None:
    wanted = (await second(ada))["organization"]
    clock.advance(timedelta(minutes=11))
    moved = (await ada("POST", f"/organizations/{wanted['id']}/switch")).json()
    there = Caller(ada.http, moved["access_token"])
    me = (await there("GET", "/auth/me")).json()["user"]["id"]
    refused = await there("POST", f"/organizations/{wanted['id']}/transfer", {"user_id": me})
    assert problem(refused) == (403, "step_up_required")


async def test_one_cannot_switch_to_where_one_does_not_belong(runtime: Runtime, ada: Caller, eve: Caller) -> None:
    theirs = (await eve("GET", "/auth/me")).json()["organization"]["id"]
    for organization in (theirs, "00000000-0000-7000-8000-000000000000", "nonsense", "%00"):
        answer = await ada("POST", f"/organizations/{organization}/switch")
        assert problem(answer) == (404, "customer_not_found")
    token = await invited(runtime, eve, "ada@example.com")
    await ada("POST", "/invitations/accept", {"token": token})
    me = (await ada("GET", "/auth/me")).json()["user"]["id"]
    await eve("POST", f"/members/{me}/suspend")
    assert problem(await ada("POST", f"/organizations/{theirs}/switch")) == (404, "customer_not_found")
    assert len((await ada("GET", "/organizations")).json()["data"]) == 1


async def test_renaming_is_for_who_manages_the_organization(runtime: Runtime, ada: Caller, eve: Caller) -> None:
    grace, her = await joined(runtime, ada, "grace@example.com", "developer")
    path = f"/organizations/{her['organization']['id']}"
    assert (await ada("PATCH", path, {"name": "Engines"})).json()["name"] == "Engines"
    assert problem(await grace("PATCH", path, {"name": "Hers"})) == (403, "forbidden")
    assert problem(await eve("PATCH", path, {"name": "Hers"})) == (404, "customer_not_found")
    assert (await grace("GET", "/auth/me")).json()["organization"]["name"] == "Engines"


async def test_who_leaves_is_out_with_their_keys_and_only_there(runtime: Runtime, ada: Caller, program: Caller) -> None:
    body = await register(program, "grace@example.com")
    grace = Caller(program.http, body["access_token"])
    await grace("POST", "/invitations/accept", {"token": await invited(runtime, ada, "grace@example.com", "developer")})
    home = (await ada("GET", "/auth/me")).json()["organization"]["id"]
    moved = (await grace("POST", f"/organizations/{home}/switch")).json()
    there = Caller(program.http, moved["access_token"])
    secret = (await there("POST", "/keys", {"name": "hers"})).json()["secret"]
    assert (await grace("POST", f"/organizations/{home}/leave", {"keep_keys": False})).status_code == 204
    assert (await there("GET", "/auth/me")).status_code == 401
    assert (await Caller(program.http, secret)("GET", "/keys")).status_code == 401
    assert (await grace("GET", "/auth/me")).json()["organization"] == body["organization"]
    assert problem(await grace("POST", f"/organizations/{home}/leave")) == (404, "customer_not_found")


async def test_a_key_is_not_a_person(ada: Caller) -> None:
    secret = (await ada("POST", "/keys", {"name": "key"})).json()["secret"]
    key = Caller(ada.http, secret)
    for call in (("GET", "/organizations", None), ("POST", "/organizations", {"name": "x"})):
        assert problem(await key(*call)) == (403, "person_needed")
