"""Roles: the built-in ones, those of one's own, and that nobody gives what they do not have."""

from typing import Any

import pytest

from tollkeeper.infra import Runtime
from tollkeeper.kit import Permission, Role
from tollkeeper.orgs import GRANTABLE

from .callers import Caller, problem
from .team import invited, joined, may

SUPPORT = {"key": "support", "name": "Support", "permissions": ["usage:read", "members:read"]}


async def test_the_built_in_roles_are_everywhere(ada: Caller) -> None:
    listed = (await ada("GET", "/roles")).json()["data"]
    assert [each["key"] for each in listed] == [role.value for role in Role]
    assert all(each["built_in"] and each["description"] for each in listed)
    for change in (("PATCH", "/roles/owner", {"name": "Queen"}), ("DELETE", "/roles/viewer", None)):
        assert problem(await ada(*change)) == (409, "role_built_in")


async def test_a_member_may_what_a_role_of_their_own_says(runtime: Runtime, ada: Caller) -> None:
    made = await ada("POST", "/roles", SUPPORT)
    assert made.json() == {
        **SUPPORT,
        "permissions": ["members:read", "usage:read"],
        "description": "",
        "built_in": False,
    }
    grace, her = await joined(runtime, ada, "grace@example.com", "support")
    assert await may(grace) == {"usage:read", "members:read"}
    assert (await grace("GET", "/auth/me")).json()["role"] == "support"
    assert problem(await grace("GET", "/keys")) == (403, "forbidden")
    wider = {"permissions": ["usage:read", "keys:read"], "name": "First line"}
    assert (await ada("PATCH", "/roles/support", wider)).json()["name"] == "First line"
    assert await may(grace) == {"usage:read", "keys:read"}
    assert problem(await ada("DELETE", "/roles/support")) == (409, "role_in_use")
    await ada("PATCH", f"/members/{her['user']['id']}", {"role": "viewer"})
    assert (await ada("DELETE", "/roles/support")).status_code == 204
    assert problem(await ada("PATCH", "/roles/support", {"name": "x"})) == (404, "role_not_found")


async def test_nobody_gives_what_they_do_not_have(runtime: Runtime, ada: Caller) -> None:
    people = {"key": "people", "name": "People", "permissions": ["members:read", "members:manage"]}
    await ada("POST", "/roles", people)
    await ada("POST", "/roles", {"key": "keys", "name": "Keys", "permissions": ["keys:manage"]})
    grace, her = await joined(runtime, ada, "grace@example.com", "people")
    _, hopper = await joined(runtime, ada, "hopper@example.com", "keys")
    beyond = {"key": "more", "name": "More", "permissions": ["members:read", "billing:manage"]}
    for answer in (
        await grace("POST", "/roles", beyond),
        await grace("PATCH", "/roles/people", {"permissions": ["members:manage", "keys:read"]}),
        await grace("PATCH", "/roles/keys", {"permissions": ["members:read"]}),  # nor do they take it away
        await grace("DELETE", "/roles/keys"),
        await grace("POST", "/invitations", {"email": "x@example.com", "role": "viewer"}),
        await grace("PATCH", f"/members/{her['user']['id']}", {"role": "admin"}),
        await grace("PATCH", f"/members/{hopper['user']['id']}", {"role": "people"}),
        await grace("DELETE", f"/members/{hopper['user']['id']}"),
    ):
        assert problem(answer) == (403, "role_beyond_yours"), answer.text
    lesser = {"key": "lesser", "name": "Lesser", "permissions": ["members:read"]}
    assert (await grace("POST", "/roles", lesser)).status_code == 201
    assert (await grace("POST", "/invitations", {"email": "x@example.com", "role": "lesser"})).status_code == 201


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"key": "Support"}, {"key"}),
        ({"key": "1st"}, {"key"}),
        ({"key": "x" * 41}, {"key"}),
        ({"permissions": []}, {"permissions"}),
        ({"permissions": ["billing:refund"]}, {"permissions"}),
        ({"permissions": ["nonsense"]}, {"permissions.0"}),
        ({"description": "x" * 201, "key": ""}, {"description", "key"}),
        ({"name": "  "}, {"name"}),
        ({"colour": "red"}, {"colour"}),
    ],
)
async def test_a_bad_role_names_every_wrong_field(ada: Caller, body: dict[str, Any], fields: set[str]) -> None:
    answer = await ada("POST", "/roles", {**SUPPORT, **body})
    assert problem(answer) == (422, "invalid_input")
    assert {each["field"] for each in answer.json()["errors"]} == fields


async def test_a_key_is_one_role_in_its_organization(ada: Caller, eve: Caller) -> None:
    assert (await ada("POST", "/roles", SUPPORT)).status_code == 201
    assert problem(await ada("POST", "/roles", SUPPORT)) == (409, "role_key_taken")
    assert problem(await ada("POST", "/roles", {**SUPPORT, "key": "owner"})) == (409, "role_key_taken")
    assert (await eve("POST", "/roles", SUPPORT)).status_code == 201
    await ada("PATCH", "/roles/support", {"name": "Ours"})
    names = {each["name"] for each in (await eve("GET", "/roles")).json()["data"]}
    assert "Ours" not in names


async def test_an_invitation_ends_with_its_role(runtime: Runtime, ada: Caller) -> None:
    await ada("POST", "/roles", SUPPORT)
    token = await invited(runtime, ada, "grace@example.com", "support")
    assert (await ada("DELETE", "/roles/support")).status_code == 204
    gone = await Caller(ada.http)("POST", "/invitations/look", {"token": token})
    assert problem(gone) == (404, "invitation_not_found")


def test_what_the_operator_keeps_is_in_no_role() -> None:
    kept = {Permission.KEYS_VERIFY, Permission.BILLING_REFUND, Permission.USAGE_CORRECT, Permission.USAGE_GRANT}
    assert set(Permission) - GRANTABLE == kept
