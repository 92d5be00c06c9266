"""Invitations: by mail, for a week, once, and for the person whose address it is."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from posted import posted
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock
from tollkeeper.notify import render
from tollkeeper.orgs.invitations import forget_invitations

from .callers import PASSWORD, Caller, problem, register
from .team import invited, joined

GRACE = "grace@example.com"
GONE = (404, "invitation_not_found")


async def test_somebody_new_joins_by_the_link_and_is_logged_in_there(runtime: Runtime, ada: Caller) -> None:
    token = await invited(runtime, ada, "Grace@Example.com".lower(), "developer")
    anybody = Caller(ada.http)
    letter = (await anybody("POST", "/invitations/look", {"token": token})).json()
    assert (letter["email"], letter["role"], letter["has_account"]) == (GRACE, "Developer", False)
    assert (letter["inviter"], letter["organization"]) == ("ada", "ada")
    answer = await anybody("POST", "/invitations/join", {"token": token, "password": PASSWORD, "name": "Grace"})
    assert (answer.status_code, answer.json()["user"]["email"]) == (201, GRACE)
    grace = Caller(ada.http, answer.json()["access_token"])
    me = (await grace("GET", "/auth/me")).json()
    assert (me["role"], me["organization"]["name"], me["user"]["name"]) == ("developer", "ada", "Grace")
    assert len((await grace("GET", "/organizations")).json()["data"]) == 1  # none of her own by that
    assert problem(await anybody("POST", "/invitations/look", {"token": token})) == GONE
    assert (await ada("GET", "/invitations")).json()["data"] == []


async def test_somebody_with_an_account_accepts(
    runtime: Runtime, ada: Caller, program: Caller, clock: FixedClock
) -> None:
    grace = Caller(program.http, (await register(program, GRACE))["access_token"])
    clock.advance(timedelta(seconds=1))
    token = await invited(runtime, ada, GRACE, "billing")
    assert (await program("POST", "/invitations/look", {"token": token})).json()["has_account"] is True
    taken = await program("POST", "/invitations/join", {"token": token, "password": PASSWORD})
    assert problem(taken) == (409, "email_taken")
    assert (await grace("GET", "/profile")).json()["email_verified"] is False
    accepted = await grace("POST", "/invitations/accept", {"token": token})
    assert (await grace("GET", "/profile")).json()["email_verified"] is True, "she read the mail"
    assert (accepted.status_code, accepted.json()["role"]) == (200, "billing")
    places = (await grace("GET", "/organizations")).json()["data"]
    shown = [(each["organization"]["name"], each["role"]["key"], each["current"]) for each in places]
    assert shown == [("grace", "owner", True), ("ada", "billing", False)]
    assert problem(await grace("POST", "/invitations/accept", {"token": token})) == GONE


async def test_only_whose_address_it_is_can_accept(runtime: Runtime, ada: Caller, eve: Caller) -> None:
    token = await invited(runtime, ada, GRACE)
    assert problem(await eve("POST", "/invitations/accept", {"token": token})) == (403, "invitation_for_other")
    assert (await eve("GET", "/profile")).json()["email_verified"] is False, "her own address is proved by nothing"
    assert (await Caller(ada.http)("POST", "/invitations/look", {"token": token})).status_code == 200  # still good


async def test_the_mail_says_who_invites_to_what(runtime: Runtime, ada: Caller) -> None:
    token = await invited(runtime, ada, GRACE)
    [data] = await posted(runtime, GRACE, "invitation")
    mail = render(runtime.settings, "invitation", data)
    assert mail.subject == "ada invites you to ada"
    for part in (mail.text, mail.html):
        assert f"/invitation?token={token}" in part
        assert "as Viewer" in part


async def test_an_invitation_ends_after_a_week(runtime: Runtime, ada: Caller, clock: FixedClock) -> None:
    token = await invited(runtime, ada, GRACE)
    look = ("POST", "/invitations/look", {"token": token})
    clock.advance(timedelta(days=7) - timedelta(seconds=1))
    assert (await Caller(ada.http)(*look)).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert problem(await Caller(ada.http)(*look)) == GONE
    fresh = await logged_in(ada)
    assert [each["status"] for each in (await fresh("GET", "/invitations")).json()["data"]] == ["expired"]
    again = await invited(runtime, fresh, GRACE)  # in place of the old one
    assert again != token
    assert len((await fresh("GET", "/invitations")).json()["data"]) == 1


async def logged_in(somebody: Caller, email: str = "ada@example.com") -> Caller:
    answer = await Caller(somebody.http)("POST", "/auth/login", {"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return Caller(somebody.http, answer.json()["access_token"])


async def test_sent_again_only_the_newest_link_is_good(runtime: Runtime, ada: Caller) -> None:
    token = await invited(runtime, ada, GRACE)
    [shown] = (await ada("GET", "/invitations")).json()["data"]
    again = await ada("POST", f"/invitations/{shown['id']}/resend")
    assert (again.status_code, again.json()["sends"]) == (200, 2)
    newest = (await posted(runtime, GRACE, "invitation"))[-1]["token"]
    assert problem(await Caller(ada.http)("POST", "/invitations/look", {"token": token})) == GONE
    assert (await Caller(ada.http)("POST", "/invitations/look", {"token": newest})).status_code == 200
    answers = [await ada("POST", f"/invitations/{shown['id']}/resend") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 409]
    assert problem(answers[-1]) == (409, "sends_used_up")


async def test_revoked_it_is_no_longer_good(runtime: Runtime, ada: Caller) -> None:
    token = await invited(runtime, ada, GRACE)
    [shown] = (await ada("GET", "/invitations")).json()["data"]
    assert (await ada("DELETE", f"/invitations/{shown['id']}")).status_code == 204
    joining = {"token": token, "password": PASSWORD}
    assert problem(await Caller(ada.http)("POST", "/invitations/join", joining)) == GONE
    assert problem(await ada("DELETE", f"/invitations/{shown['id']}")) == GONE
    assert problem(await ada("POST", f"/invitations/{shown['id']}/resend")) == GONE


@pytest.mark.parametrize("end", ["removed", "left", "suspended", "lesser"])
async def test_an_invitation_goes_with_the_right_of_its_sender(runtime: Runtime, ada: Caller, end: str) -> None:
    grace, her = await joined(runtime, ada, GRACE, "admin")
    hers, of_ada = await invited(runtime, grace, "x@example.com"), await invited(runtime, ada, "y@example.com")
    path = f"/members/{her['user']['id']}"
    ended: dict[str, tuple[Caller, str, str, Any]] = {
        "removed": (ada, "DELETE", path, None),
        "left": (grace, "POST", f"/organizations/{her['organization']['id']}/leave", None),
        "suspended": (ada, "POST", f"{path}/suspend", None),
        "lesser": (ada, "PATCH", path, {"role": "developer"}),
    }
    by, method, asked, body = ended[end]
    assert (await by(method, asked, body)).is_success
    joining = {"token": hers, "password": PASSWORD}
    assert problem(await Caller(ada.http)("POST", "/invitations/join", joining)) == GONE
    assert [each["email"] for each in (await ada("GET", "/invitations")).json()["data"]] == ["y@example.com"]
    assert (await Caller(ada.http)("POST", "/invitations/look", {"token": of_ada})).status_code == 200


async def test_an_invitation_goes_with_what_the_role_of_its_sender_held(runtime: Runtime, ada: Caller) -> None:
    people = {"key": "people", "name": "People", "permissions": ["members:read", "members:manage"]}
    await ada("POST", "/roles", people)
    await ada("POST", "/roles", {"key": "lesser", "name": "Lesser", "permissions": ["members:read"]})
    grace, _ = await joined(runtime, ada, GRACE, "people")
    token = await invited(runtime, grace, "x@example.com", "lesser")
    look = ("POST", "/invitations/look", {"token": token})
    await ada("PATCH", "/roles/people", {"name": "Team leads"})
    assert (await Caller(ada.http)(*look)).status_code == 200
    await ada("PATCH", "/roles/people", {"permissions": ["members:read"]})
    assert problem(await Caller(ada.http)(*look)) == GONE
    records = (await ada("GET", "/audit?action=invitation.revoked")).json()["data"]
    assert len(records) == 1


async def test_one_is_invited_once_at_a_time_and_never_as_a_member(runtime: Runtime, ada: Caller) -> None:
    await invited(runtime, ada, GRACE)
    wish = {"email": " GRACE@example.com "}
    assert problem(await ada("POST", "/invitations", wish)) == (409, "already_invited")
    assert problem(await ada("POST", "/invitations", {"email": "ada@example.com"})) == (409, "already_member")
    assert problem(await ada("POST", "/invitations", {"email": "no address"})) == (422, "invalid_input")
    assert problem(await ada("POST", "/invitations", {"email": "x@example.com", "role": "queen"})) == (
        404,
        "role_not_found",
    )


async def test_of_two_who_accept_at_once_one_joins(runtime: Runtime, ada: Caller) -> None:
    token = await invited(runtime, ada, GRACE)
    wish = {"token": token, "password": PASSWORD}
    answers = await asyncio.gather(*(Caller(ada.http)("POST", "/invitations/join", wish) for _ in range(3)))
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert len((await ada("GET", "/members")).json()["data"]) == 2


async def test_a_bad_password_leaves_the_invitation_good(runtime: Runtime, ada: Caller) -> None:
    token = await invited(runtime, ada, GRACE)
    refused = await Caller(ada.http)("POST", "/invitations/join", {"token": token, "password": "short"})
    assert problem(refused) == (422, "invalid_input")
    assert (await Caller(ada.http)("POST", "/invitations/look", {"token": token})).status_code == 200


async def test_who_is_suspended_is_not_let_in_by_an_invitation(runtime: Runtime, ada: Caller) -> None:
    grace, her = await joined(runtime, ada, GRACE)
    await ada("POST", f"/members/{her['user']['id']}/suspend")
    assert problem(await ada("POST", "/invitations", {"email": GRACE})) == (409, "already_member")
    assert (await grace("GET", "/auth/me")).status_code == 401


async def test_there_is_an_end_to_inviting_within_a_day(runtime: Runtime, ada: Caller, clock: FixedClock) -> None:
    await invited(runtime, ada, GRACE)
    more = text(
        "insert into invitations (id, organization_id, email, role, token_digest, created_at, sent_at, sends, "
        "expires_at, closed_at) select gen_random_uuid(), organization_id, n || '@example.com', 'viewer', "
        "sha256(n::text::bytea), created_at, sent_at, 1, expires_at, created_at from invitations, "
        "generate_series(1, 99) n"
    )
    async with runtime.transaction() as tx:
        await tx.connection.execute(more)
    refused = await ada("POST", "/invitations", {"email": "one-more@example.com"})
    assert problem(refused) == (429, "too_many_invitations")
    clock.advance(timedelta(days=1))
    await invited(runtime, await logged_in(ada), "one-more@example.com")


async def test_addresses_are_forgotten_a_month_after(runtime: Runtime, ada: Caller, clock: FixedClock) -> None:
    await invited(runtime, ada, GRACE)
    await joined(runtime, ada, "hopper@example.com")
    count = text("select count(*) from invitations")
    for days, left in ((30, 1), (7, 0)):  # the accepted one, then the one that expired in between
        clock.advance(timedelta(days=days))
        async with runtime.transaction() as tx:
            await forget_invitations.handler(tx)
            assert (await tx.connection.execute(count)).scalar_one() == left


async def test_another_organizations_invitation_does_not_exist(runtime: Runtime, ada: Caller, eve: Caller) -> None:
    await invited(runtime, eve, GRACE)
    [theirs] = (await eve("GET", "/invitations")).json()["data"]
    assert problem(await ada("DELETE", f"/invitations/{theirs['id']}")) == GONE
    assert problem(await ada("POST", f"/invitations/{theirs['id']}/resend")) == GONE


async def test_the_operator_invites_the_first_owner_of_a_customer(
    runtime: Runtime, operator: Caller, program: Caller
) -> None:
    await operator("POST", "/customers", {"name": "Acme", "external_id": "acme"})
    wish = {"email": GRACE, "role": "owner", "customer": "acme"}
    assert (await operator("POST", "/invitations", wish)).status_code == 201
    token = (await posted(runtime, GRACE, "invitation"))[-1]["token"]
    answer = await program("POST", "/invitations/join", {"token": token, "password": PASSWORD})
    me = (await Caller(program.http, answer.json()["access_token"])("GET", "/auth/me")).json()
    assert (me["organization"]["name"], me["role"]) == ("Acme", "owner")
