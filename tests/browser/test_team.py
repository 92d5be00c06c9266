"""A colleague is invited, limited and removed, each in a browser of their own; and every page of it can be read."""

import pytest
from playwright.sync_api import expect

from .conftest import Server
from .people import PASSWORD, Visitor, Visitors, fresh_email
from .test_mails import follow, open_mail


def invited(ada: Visitor, email: str, role: str) -> None:
    """Send an invitation from the team's page."""
    ada.go("/team")
    ada.page.get_by_label("E-mail").fill(email)
    ada.page.get_by_label("Role", exact=True).select_option(label=role)
    ada.press("Send invitation")


@pytest.mark.acts(
    "POST /team/invitations",
    "POST /invitation/join",
    "POST /team/members/{user_id}/role",
    "POST /team/members/{user_id}/remove",
)
def test_a_colleague_is_invited_limited_and_removed(visitors: Visitors, server: Server) -> None:
    ada, grace, email = visitors.new(), visitors.new(), fresh_email("colleague")
    ada.sign_up(fresh_email("owner"))
    invited(ada, email, "Developer")
    expect(ada.page.locator(f"[data-invitation='{email}']")).to_contain_text("Developer")

    open_mail(grace, server, email, "Ada Lovelace invites you to Ada Lovelace")
    follow(grace, "/invitation")
    grace.screenshot("invitation-light")
    grace.page.get_by_label("Name").fill("Grace Hopper")
    grace.page.get_by_label("Password").fill(PASSWORD)
    grace.press("Create account and join")
    grace.create_key("of grace")

    ada.go("/team")
    expect(ada.page.get_by_text("Nobody is invited")).to_be_visible()
    ada.page.get_by_role("link", name="Manage Grace Hopper").click()
    ada.page.get_by_label("May act as").select_option(label="Viewer")
    ada.press("Change role")
    grace.go_until("/keys", lambda: grace.page.get_by_role("button", name="Create key").count() == 0)

    ada.page.get_by_role("link", name="Manage Grace Hopper").click()
    expect(ada.page.get_by_label("Revoke the API keys they made")).to_be_checked()
    ada.press("Remove from the team")
    expect(ada.page.locator(f"[data-member='{email}']")).to_have_count(0)
    grace.go_until("/team", lambda: grace.is_sent_to_log_in)
    expect(grace.page).to_have_url(f"{grace.base}/login?next=%2Fteam")


@pytest.mark.acts("POST /organizations", "POST /organizations/switch")
@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_the_teams_pages_can_be_read_by_everybody(visitors: Visitors, *, narrow: bool) -> None:
    ada = visitors.new(narrow=narrow, looked_at=not narrow)
    ada.sign_up(fresh_email("team"))
    invited(ada, fresh_email("guest"), "Viewer")
    pages = {
        "team": "/team",
        "team-role": "/team/roles/new",
        "team-leave": "/team/leave",
        "found": "/organizations/new",
    }
    for name, path in pages.items():
        ada.go(path)
        if not narrow:
            ada.look_at(name)
    ada.page.get_by_label("Name").fill("Second home")
    ada.press("Create it")
    expect(ada.page.get_by_text("Who may do what in Second home")).to_be_visible()
    if narrow:
        ada.page.get_by_text("Menu", exact=True).click()
    ada.page.locator("summary:visible", has_text="Second home").click()
    ada.screenshot("switch")
    ada.press("Ada Lovelace")
    expect(ada.page.get_by_role("heading", name="Overview")).to_be_visible()


def let_in(ada: Visitor, grace: Visitor, server: Server, email: str) -> None:
    """Invite two people, think again about one of them, and have the other join with the account they have."""
    nobody = fresh_email("nobody")
    for each in (email, nobody):
        invited(ada, each, "Developer")
    ada.press(f"Revoke the invitation of {nobody}")
    expect(ada.page.locator(f"[data-invitation='{nobody}']")).to_have_count(0)
    ada.press(f"Send again to {email}")
    open_mail(grace, server, email, "Ada Lovelace invites you to Ada Lovelace")
    follow(grace, "/invitation")
    grace.press("Join")
    expect(grace.page.get_by_role("heading", name="Overview")).to_be_visible()


def make_role(ada: Visitor) -> None:
    """Make a role, think again about what its members may, and delete it."""
    ada.go("/team")
    ada.follow("Make a role")
    ada.page.get_by_label("Name", exact=True).fill("Support")
    ada.page.get_by_role("checkbox").first.check()
    ada.press("Make the role")
    ada.follow("Change Support")
    ada.page.get_by_label("Name", exact=True).fill("Help desk")
    ada.press("Save")
    ada.follow("Change Help desk")
    ada.press("Delete this role")
    expect(ada.page.locator("[data-role='support']")).to_have_count(0)


@pytest.mark.acts(
    "POST /team/invitations/{invitation_id}/resend",
    "POST /team/invitations/{invitation_id}/revoke",
    "POST /invitation",
    "POST /team/roles",
    "POST /team/roles/{key}",
    "POST /team/roles/{key}/delete",
    "POST /team/members/{user_id}/suspend",
    "POST /team/members/{user_id}/reactivate",
    "POST /team/transfer",
    "POST /team/leave",
)
def test_an_organization_is_run_and_handed_over(visitors: Visitors, server: Server) -> None:
    ada, grace, email = visitors.new(), visitors.new(), fresh_email("heiress")
    ada.sign_up(fresh_email("founder"))
    grace.sign_up(email)
    let_in(ada, grace, server, email)
    make_role(ada)

    manage = f"[data-member='{email}'] a"
    ada.page.locator(manage).click()
    ada.press("Suspend")
    expect(ada.page.locator(f"[data-member='{email}']")).to_contain_text("Suspended")
    ada.page.locator(manage).click()
    ada.press("Let in again")
    expect(ada.page.locator(f"[data-member='{email}']")).not_to_contain_text("Suspended")

    ada.follow("Hand over")
    ada.screenshot("team-transfer-light")
    ada.press("Hand over")
    expect(ada.page.locator(f"[data-member='{email}']")).to_contain_text("Owner")
    ada.follow("Leave")
    ada.press("Leave")
    grace.log_in(email)  # being suspended logged her out
    grace.go("/team")
    expect(grace.page.locator("[data-member]")).to_have_count(1)
