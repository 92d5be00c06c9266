"""Members: other roles, a rest, leaving, removal, handing over, and that an owner remains."""

import asyncio
from datetime import timedelta

from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock

from .callers import PASSWORD, Caller, problem, register
from .team import joined, may


async def test_a_member_may_what_the_role_says_and_no_more(runtime: Runtime, ada: Caller) -> None:
    grace, _ = await joined(runtime, ada, "grace@example.com", "developer")
    assert await may(grace) == {
        *("usage:read", "keys:read", "billing:read", "members:read"),
        *("usage:write", "keys:manage"),
    }
    assert (await grace("POST", "/keys", {"name": "hers"})).status_code == 201
    assert problem(await grace("POST", "/invitations", {"email": "x@example.com"})) == (403, "forbidden")
    listed = (await grace("GET", "/members")).json()["data"]
    assert [(each["email"], each["role"], each["status"]) for each in listed] == [
        ("ada@example.com", "owner", "active"),
        ("grace@example.com", "developer", "active"),
    ]


async def test_another_role_holds_for_the_login_that_is_there(runtime: Runtime, ada: Caller) -> None:
    grace, her = await joined(runtime, ada, "grace@example.com", "developer")
    path = f"/members/{her['user']['id']}"
    changed = await ada("PATCH", path, {"role": "viewer"})
    assert (changed.status_code, changed.json()["role"]) == (200, "viewer")
    assert "keys:manage" not in await may(grace)
    assert (await ada("GET", path)).json()["role"] == "viewer"
    assert problem(await ada("PATCH", path, {"role": "queen"})) == (404, "role_not_found")


async def test_who_is_suspended_can_do_nothing_until_let_in_again(runtime: Runtime, ada: Caller) -> None:
    grace, her = await joined(runtime, ada, "grace@example.com", "admin")
    path = f"/members/{her['user']['id']}"
    suspended = (await ada("POST", f"{path}/suspend")).json()
    assert suspended["status"] == "suspended"
    assert problem(await grace("GET", "/auth/me")) == (401, "unauthenticated")
    refused = await grace.http.post("/api/auth/refresh", json={"refresh_token": her["refresh_token"]})
    assert problem(refused) == (401, "invalid_refresh_token")
    login = {"email": "grace@example.com", "password": PASSWORD}
    assert problem(await Caller(ada.http)("POST", "/auth/login", login)) == (403, "no_organization")
    assert (await ada("POST", f"{path}/suspend")).json() == suspended  # twice is no error
    assert (await ada("POST", f"{path}/reactivate")).json()["status"] == "active"
    again = await Caller(ada.http)("POST", "/auth/login", login)
    assert (again.status_code, again.json()["organization"]) == (200, her["organization"])


async def test_who_is_removed_is_out_at_once_and_the_keys_they_made_end(runtime: Runtime, ada: Caller) -> None:
    grace, her = await joined(runtime, ada, "grace@example.com", "developer")
    secret = (await grace("POST", "/keys", {"name": "hers"})).json()["secret"]
    own = (await ada("POST", "/keys", {"name": "of ada"})).json()["secret"]
    assert (await ada("DELETE", f"/members/{her['user']['id']}")).status_code == 204
    assert problem(await grace("GET", "/auth/me")) == (401, "unauthenticated")
    assert (await Caller(ada.http, secret)("GET", "/keys")).status_code == 401
    assert (await Caller(ada.http, own)("GET", "/keys")).status_code == 200
    assert [each["email"] for each in (await ada("GET", "/members")).json()["data"]] == ["ada@example.com"]
    assert problem(await ada("DELETE", f"/members/{her['user']['id']}")) == (404, "member_not_found")


async def test_keys_can_be_kept(runtime: Runtime, ada: Caller) -> None:
    grace, her = await joined(runtime, ada, "grace@example.com", "developer")
    secret = (await grace("POST", "/keys", {"name": "hers"})).json()["secret"]
    assert (await ada("DELETE", f"/members/{her['user']['id']}?keep_keys=true")).status_code == 204
    assert (await Caller(ada.http, secret)("GET", "/keys")).status_code == 200


async def test_an_organization_keeps_an_owner(runtime: Runtime, ada: Caller) -> None:
    me = (await ada("GET", "/auth/me")).json()
    path, home = f"/members/{me['user']['id']}", f"/organizations/{me['organization']['id']}"
    await joined(runtime, ada, "grace@example.com", "admin")
    for answer in (
        await ada("PATCH", path, {"role": "admin"}),
        await ada("POST", f"{path}/suspend"),
        await ada("DELETE", path),
        await ada("POST", f"{home}/leave"),
    ):
        assert problem(answer) == (409, "last_owner")
    assert (await ada("GET", path)).json()["role"] == "owner"


async def test_of_two_owners_who_leave_at_once_one_stays(runtime: Runtime, ada: Caller) -> None:
    grace, her = await joined(runtime, ada, "grace@example.com")
    assert (await ada("PATCH", f"/members/{her['user']['id']}", {"role": "owner"})).status_code == 200
    leave = f"/organizations/{her['organization']['id']}/leave"
    answers = await asyncio.gather(ada("POST", leave), grace("POST", leave))
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_only_owners_make_and_touch_owners(runtime: Runtime, ada: Caller) -> None:
    grace, _ = await joined(runtime, ada, "grace@example.com", "admin")
    _, hopper = await joined(runtime, ada, "hopper@example.com")
    owner = (await ada("GET", "/auth/me")).json()["user"]["id"]
    for answer in (
        await grace("PATCH", f"/members/{hopper['user']['id']}", {"role": "owner"}),
        await grace("PATCH", f"/members/{owner}", {"role": "viewer"}),
        await grace("POST", f"/members/{owner}/suspend"),
        await grace("DELETE", f"/members/{owner}"),
        await grace("POST", "/invitations", {"email": "x@example.com", "role": "owner"}),
    ):
        assert problem(answer) == (403, "owner_needed")
    assert (await grace("PATCH", f"/members/{hopper['user']['id']}", {"role": "admin"})).status_code == 200


async def test_what_touches_owners_needs_a_login_that_proved_itself_lately(
    runtime: Runtime, ada: Caller, clock: FixedClock
) -> None:
    _, her = await joined(runtime, ada, "grace@example.com")
    path = f"/members/{her['user']['id']}"
    clock.advance(timedelta(minutes=11))
    assert problem(await ada("PATCH", path, {"role": "owner"})) == (403, "step_up_required")
    handing = f"/organizations/{her['organization']['id']}/transfer"
    assert problem(await ada("POST", handing, {"user_id": her["user"]["id"]})) == (403, "step_up_required")
    assert (await ada("PATCH", path, {"role": "billing"})).status_code == 200
    assert (await ada("POST", "/auth/step-up", {"password": PASSWORD})).status_code == 200
    assert (await ada("PATCH", path, {"role": "owner"})).status_code == 200


async def test_handing_over_makes_one_owner_and_one_admin(runtime: Runtime, ada: Caller) -> None:
    grace, her = await joined(runtime, ada, "grace@example.com", "billing")
    home = f"/organizations/{her['organization']['id']}/transfer"
    assert problem(await grace("POST", home, {"user_id": her["user"]["id"]})) == (403, "forbidden")
    owner = (await ada("GET", "/auth/me")).json()["user"]["id"]
    assert problem(await ada("POST", home, {"user_id": owner})) == (409, "already_owner")
    handed = await ada("POST", home, {"user_id": her["user"]["id"]})
    assert (handed.status_code, handed.json()["role"]) == (200, "owner")
    roles = {each["email"]: each["role"] for each in (await grace("GET", "/members")).json()["data"]}
    assert roles == {"ada@example.com": "admin", "grace@example.com": "owner"}
    assert problem(await ada("POST", home, {"user_id": owner})) == (403, "owner_needed")


async def test_the_operator_reaches_as_far_as_an_owner(runtime: Runtime, ada: Caller, operator: Caller) -> None:
    _, her = await joined(runtime, ada, "grace@example.com")
    customer = her["organization"]["id"]
    path = f"/members/{her['user']['id']}?customer={customer}"
    assert (await operator("PATCH", path, {"role": "owner"})).json()["role"] == "owner"
    assert len((await operator("GET", f"/members?customer={customer}")).json()["data"]) == 2
    assert problem(await operator("GET", "/members")) == (422, "invalid_input")


async def test_members_come_in_pages(runtime: Runtime, ada: Caller) -> None:
    for name in ("grace", "hopper"):
        await joined(runtime, ada, f"{name}@example.com")
    first = (await ada("GET", "/members?limit=2")).json()
    rest = (await ada("GET", f"/members?limit=2&cursor={first['next_cursor']}")).json()
    emails = [each["email"] for each in first["data"] + rest["data"]]
    assert emails == ["ada@example.com", "grace@example.com", "hopper@example.com"]
    assert rest["next_cursor"] is None


async def test_another_organizations_member_does_not_exist(ada: Caller, eve: Caller) -> None:
    theirs = (await eve("GET", "/auth/me")).json()["user"]["id"]
    for answer in (
        await ada("GET", f"/members/{theirs}"),
        await ada("PATCH", f"/members/{theirs}", {"role": "viewer"}),
        await ada("DELETE", f"/members/{theirs}"),
    ):
        assert problem(answer) == (404, "member_not_found")


async def test_a_key_manages_within_its_scopes(runtime: Runtime, ada: Caller) -> None:
    _, her = await joined(runtime, ada, "grace@example.com")
    path = f"/members/{her['user']['id']}"
    scopes = ["members:manage", "usage:read", "keys:read", "billing:read", "members:read"]
    made = await ada("POST", "/keys", {"name": "people", "scopes": scopes})
    key = Caller(ada.http, made.json()["secret"])
    assert problem(await key("PATCH", path, {"role": "developer"})) == (403, "role_beyond_yours")
    assert (await key("POST", f"{path}/suspend")).status_code == 200
    owner = (await ada("GET", "/auth/me")).json()["user"]["id"]
    assert problem(await key("DELETE", f"/members/{owner}")) == (403, "owner_needed")


async def test_what_was_done_is_in_the_trail(runtime: Runtime, ada: Caller) -> None:
    _, her = await joined(runtime, ada, "grace@example.com")
    await ada("PATCH", f"/members/{her['user']['id']}", {"role": "developer"})
    await ada("DELETE", f"/members/{her['user']['id']}")
    told = (await ada("GET", "/audit")).json()["data"]
    found = [each for each in told if each["action"].startswith(("member", "invitation"))]
    said = [(each["before"], each["after"]) for each in found]
    assert "grace@example.com" not in str(said)  # the trail outlives a wish to be forgotten
    assert [each["action"] for each in found] == [
        *("member.removed", "member.role_changed", "member.joined", "invitation.accepted", "invitation.sent"),
    ]


async def test_registering_alone_is_joining_ones_own(program: Caller) -> None:
    body = await register(program, "solo@example.com")
    listed = (await Caller(program.http, body["access_token"])("GET", "/members")).json()["data"]
    assert [(each["email"], each["role"]) for each in listed] == [("solo@example.com", "owner")]
