"""The team's pages, the switch between organizations, and the page an invitation leads to."""

import re
from dataclasses import dataclass

import httpx
import pytest

from posted import posted
from tollkeeper.infra import Runtime
from tollkeeper.kit import Role
from tollkeeper.web.portal import team as team_pages

from .conftest import PASSWORD, Browser, until_status
from .team import now_is

GRACE = "grace@example.com"


@dataclass
class Team:
    """Ada, who owns an organization, and Grace, who has a browser of her own."""

    runtime: Runtime
    ada: Browser
    grace: Browser

    async def invite(self, role: str = "developer") -> str:
        answer = await self.ada.send("/team", "/team/invitations", email=GRACE, role=role)
        assert answer.status_code == 303, answer.text
        token: str = (await posted(self.runtime, GRACE, "invitation"))[-1]["token"]
        return token

    async def join(self, role: str = "developer") -> None:
        token = await self.invite(role)
        page = f"/invitation?token={token}"
        answer = await self.grace.send(page, "/invitation/join", token=token, password=PASSWORD, name="Grace Hopper")
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard"), answer.text

    async def member(self) -> str:
        """Where Grace's membership is managed."""
        found = re.search(r"/team/members/[0-9a-f-]+", (await self.ada.get("/team")).text)
        assert found
        return found[0]


@pytest.fixture
async def team(runtime: Runtime, browser: Browser, other_browser: Browser) -> Team:
    await browser.sign_up("ada@example.com")
    return Team(runtime, browser, other_browser)


def heading(answer: httpx.Response) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", answer.text, re.DOTALL)
    assert found, answer.text[:500]
    return " ".join(found[1].split())


async def test_somebody_new_joins_by_the_page_of_the_link(team: Team) -> None:
    token = await team.invite()
    shown = await team.grace.get(f"/invitation?token={token}")
    assert heading(shown) == "Join Ada Lovelace"
    assert "grace@example.com" in shown.text
    short = await team.grace.send(
        f"/invitation?token={token}", "/invitation/join", token=token, password="short", name="G"
    )
    assert short.status_code == 422
    assert "at least 8 characters" in short.text
    await team.grace.send(
        f"/invitation?token={token}", "/invitation/join", token=token, password=PASSWORD, name="Grace Hopper"
    )
    page = (await team.grace.get("/team")).text
    assert "Ada Lovelace" in page
    assert "Send invitation" not in page  # a developer sees who is there, and changes nothing
    assert 'data-member="grace@example.com"' in (await team.ada.get("/team")).text
    gone = await team.grace.get(f"/invitation?token={token}")
    assert (gone.status_code, heading(gone)) == (404, "This invitation is not valid")


async def test_somebody_with_an_account_logs_in_to_join_and_lands_there(team: Team) -> None:
    await team.grace.sign_up(GRACE)
    token = await team.invite("billing")
    page = f"/invitation?token={token}"
    answer = await team.grace.send(page, "/invitation", token=token)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
    assert "Ada Lovelace" in (await team.grace.get("/dashboard")).text
    assert 'data-member="ada@example.com"' in (await team.grace.get("/team")).text


async def test_somebody_who_is_not_logged_in_is_led_to_log_in_and_back(team: Team, other_browser: Browser) -> None:
    await other_browser.sign_up(GRACE)
    other_browser.client.cookies.clear()
    token = await team.invite()
    shown = await other_browser.get(f"/invitation?token={token}")
    assert f"/login?next=/invitation%3Ftoken%3D{token}" in shown.text
    refused = await other_browser.send(f"/login?next=/invitation%3Ftoken%3D{token}", "/invitation", token=token)
    assert refused.headers["location"] == "/login?next=%2Finvitation&unsent=yes"


async def test_an_invitation_for_somebody_else_cannot_be_accepted(team: Team) -> None:
    await team.grace.sign_up("eve@example.com")
    token = await team.invite()
    assert "You are logged in as" in (await team.grace.get(f"/invitation?token={token}")).text
    refused = await team.grace.send("/team", "/invitation", token=token)
    assert refused.status_code == 403
    assert "It was sent to grace@example.com" in refused.text


async def test_a_limited_member_is_limited_in_their_browser(team: Team) -> None:
    await team.join("developer")
    assert "Create key" in (await team.grace.get("/keys")).text
    member = await team.member()
    assert (await team.ada.send(member, f"{member}/role", role="viewer")).status_code == 303
    for _ in range(200):  # told by the database: a moment after the commit
        if "Create key" not in (await team.grace.get("/keys")).text:
            break
    assert (await team.grace.send("/keys", "/keys", name="mine", expires="")).status_code == 403


async def test_who_is_removed_is_logged_out(team: Team) -> None:
    await team.join("developer")
    secret = await team.grace.create_key("of grace")
    member = await team.member()
    shown = await team.ada.get(member)
    assert "of grace" in shown.text
    assert (await team.ada.send(member, f"{member}/remove", end_keys="yes")).status_code == 303

    async def team_page() -> httpx.Response:
        return await team.grace.client.get("/team")

    assert (await until_status(team_page, 303)).headers["location"].startswith("/login")

    async def with_her_key() -> httpx.Response:
        return await team.ada.client.get("/api/usage", headers={"Authorization": f"Bearer {secret}", "Cookie": ""})

    await until_status(with_her_key, 401)
    assert 'data-member="grace@example.com"' not in (await team.ada.get("/team")).text


async def test_a_suspended_member_is_let_in_again(team: Team) -> None:
    await team.join()
    member = await team.member()
    await team.ada.send(member, f"{member}/suspend")
    assert "Suspended" in (await team.ada.get("/team")).text
    assert (await team.ada.send(member, f"{member}/reactivate")).status_code == 303
    again = await team.grace.send("/login", "/login", email=GRACE, password=PASSWORD)
    assert (again.status_code, again.headers["location"]) == (303, "/dashboard")


async def test_invitations_are_sent_again_and_revoked(team: Team) -> None:
    token = await team.invite()
    twice = await team.ada.send("/team", "/team/invitations", email=GRACE, role="viewer")
    assert twice.status_code == 409
    assert "This address is invited already" in twice.text
    found = re.search(r"/team/invitations/[0-9a-f-]+", (await team.ada.get("/team")).text)
    assert found
    assert (await team.ada.send("/team", f"{found[0]}/resend")).status_code == 303
    assert (await team.grace.get(f"/invitation?token={token}")).status_code == 404
    for _ in range(3):
        await team.ada.send("/team", f"{found[0]}/resend")
    often = await team.ada.send("/team", f"{found[0]}/resend")
    assert often.status_code == 409
    assert "sent often enough" in often.text
    assert (await team.ada.send("/team", f"{found[0]}/revoke")).status_code == 303
    assert "Nobody is invited" in (await team.ada.get("/team")).text


async def test_a_wrong_address_is_told_beside_its_field(team: Team) -> None:
    answer = await team.ada.send("/team", "/team/invitations", email="no address", role="viewer")
    assert answer.status_code == 422
    assert re.search(r'name="email"[^>]*value="no address"[^>]*aria-invalid="true"', answer.text)


async def test_a_role_of_ones_own_is_made_given_changed_and_deleted(team: Team) -> None:
    ticks = {"may.usage:read": "yes", "may.members:read": "yes"}
    made = await team.ada.send("/team/roles/new", "/team/roles", name="First Line", description="Helps", **ticks)
    assert made.status_code == 303, made.text
    await team.join("first-line")
    assert (await team.grace.get("/keys")).status_code == 403
    page = "/team/roles/first-line"
    none = await team.ada.send(page, page, name="First Line", description="")
    assert none.status_code == 422
    assert "Choose at least one" in none.text
    in_use = await team.ada.send(page, f"{page}/delete")
    assert in_use.status_code == 409
    assert "Members have this role" in in_use.text
    wider = await team.ada.send(page, page, name="First Line", description="", **ticks, **{"may.keys:read": "yes"})
    assert wider.status_code == 303

    async def keys() -> httpx.Response:
        return await team.grace.client.get("/keys")

    await until_status(keys, 200)
    member = await team.member()
    await team.ada.send(member, f"{member}/role", role="viewer")
    assert (await team.ada.send(page, f"{page}/delete")).status_code == 303
    assert (await team.ada.get(page)).status_code == 404
    assert (await team.ada.get("/team/roles/owner")).status_code == 409


async def test_handing_over_and_leaving(team: Team) -> None:
    alone = await team.ada.get("/team/transfer")
    assert "There is nobody else here" in alone.text
    last = await team.ada.send("/team/leave", "/team/leave", end_keys="yes")
    assert last.status_code == 409
    assert "The organization needs an owner" in last.text
    await team.join("viewer")
    shown = (await team.ada.get("/team/transfer")).text
    heir = re.search(r'<option value="([0-9a-f-]+)">Grace', shown)
    assert heir
    assert (await team.ada.send("/team/transfer", "/team/transfer", user_id="nobody")).status_code == 422
    assert (await team.ada.send("/team/transfer", "/team/transfer", user_id=heir[1])).status_code == 303
    left = await team.ada.send("/team/leave", "/team/leave", end_keys="yes")
    assert (left.status_code, left.headers["location"]) == (303, "/")  # it was the only one
    assert (await team.ada.client.get("/dashboard")).headers["location"].startswith("/login")
    assert 'data-member="ada@example.com"' not in (await team.grace.get("/team")).text


async def test_somebody_with_two_organizations_switches_between_them(team: Team) -> None:
    nameless = await team.ada.send("/organizations/new", "/organizations", name="  ")
    assert nameless.status_code == 422
    founded = await team.ada.send("/organizations/new", "/organizations", name="Second home")
    assert founded.headers["location"] == "/team"
    page = (await team.ada.get("/team")).text
    assert "Who may do what in Second home" in page
    first = re.search(
        r'name="organization" value="([0-9a-f-]+)">\s*<button[^>]*>(?:(?!</form>).)*Ada Lovelace', page, re.DOTALL
    )
    assert first
    assert (await team.ada.send("/team", "/organizations/switch", organization=first[1])).status_code == 303
    assert "Who may do what in Ada Lovelace" in (await team.ada.get("/team")).text
    nowhere = await team.ada.send("/team", "/organizations/switch", organization="00000000-0000-7000-8000-000000000000")
    assert nowhere.status_code == 404
    gone_on = await team.ada.send("/team/leave", "/team/leave")
    assert gone_on.status_code == 409  # the last owner of the first


async def test_who_leaves_one_goes_on_in_the_other(team: Team) -> None:
    await team.grace.sign_up(GRACE)
    token = await team.invite("viewer")
    await team.grace.send(f"/invitation?token={token}", "/invitation", token=token)
    left = await team.grace.send("/team/leave", "/team/leave", end_keys="yes")
    assert (left.status_code, left.headers["location"]) == (303, "/dashboard")
    assert (await team.grace.get("/dashboard")).status_code == 200
    assert 'data-member="ada@example.com"' not in (await team.grace.get("/team")).text


async def test_the_organization_is_renamed(team: Team) -> None:
    assert (await team.ada.send("/team", "/team/name", name="Engines")).status_code == 303
    assert "Who may do what in Engines" in (await team.ada.get("/team")).text
    assert (await team.ada.send("/team", "/team/name", name="x" * 201)).status_code == 422


async def test_a_viewer_sees_the_team_and_changes_nothing(team: Team) -> None:
    await team.invite()
    await now_is(team.runtime, Role.VIEWER)
    page = (await team.ada.get("/team")).text
    assert re.search(r'Organization id</span>.*data-copy-value="[0-9a-f-]{36}"', page, re.DOTALL), "for everybody"
    for words in ("Send invitation", "Make a role", "Rename", "Revoke", "Hand over"):
        assert words not in page
    for path in ("/team/invitations", "/team/name", "/team/roles"):
        assert (await team.ada.send("/team", path, email="x@example.com", name="x")).status_code == 403


async def test_members_are_listed_page_by_page_and_all_seats_are_counted(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    await team.join()
    monkeypatch.setattr(team_pages, "SHOWN_MEMBERS", 1)
    of_member = re.compile(r'data-member="([^"]+)"')
    first = (await team.ada.get("/team")).text
    assert of_member.findall(first) == ["ada@example.com"]
    assert re.search(r'figure">2</span>', first), "two seats are taken, whichever page is shown"
    following = re.search(r'href="(/team\?cursor=[^"]+)" rel="next"', first)
    assert following is not None
    last = (await team.ada.get(following[1])).text
    assert of_member.findall(last) == [GRACE]
    assert 'rel="next"' not in last
