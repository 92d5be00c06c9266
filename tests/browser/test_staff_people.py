"""Staff find an organization and do for it what they may, and its people notice."""

import re
import time

import pytest
from playwright.sync_api import expect

from .conftest import Server
from .people import GOOD_CARD, OBEYED_SECONDS, STAFF, Visitor, Visitors, fresh_email, track

OF_WHOM = "POST /admin/organizations/{organization_id}"
OF_PERSON = "POST /admin/people/{person_id}"
PREMIUM_PROMPTS = 250_000


def until_status(base: str, key: str, status: int) -> None:
    """Use the key until it is answered so: every process obeys within a second."""
    deadline = time.monotonic() + OBEYED_SECONDS
    while (answer := track(base, key)).status_code != status:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)


def find(boss: Visitor, email: str) -> None:
    """Find somebody with the search that is on every page; ends on the page of what is theirs."""
    boss.go("/admin")
    boss.page.get_by_role("searchbox", name="Search everything").fill(email)
    with boss.page.expect_navigation():
        boss.page.get_by_role("searchbox", name="Search everything").press("Enter")
    boss.page.get_by_role("link", name=email).click()
    expect(boss.page.get_by_role("heading", level=2, name="Organizations")).to_be_visible()


def note(boss: Visitor) -> None:
    """Keep a note, which stays text, and remove it."""
    words = "Called twice. <script>alert(1)</script>"
    boss.page.get_by_label("New note").fill(words)
    boss.press("Keep the note")
    boss.says(words)
    with boss.page.expect_navigation():
        boss.page.get_by_role("button", name=re.compile("Remove the note of")).click()
    expect(boss.page.get_by_text(words)).to_have_count(0)


def give_credits(boss: Visitor, server: Server) -> None:
    """Give credits, for which a fresh proof is asked first."""
    server.forget_proof(STAFF[0])
    boss.follow("Give credits")
    boss.prove(STAFF[1])
    boss.page.get_by_label("For", exact=True).select_option(label="Prompts")
    boss.page.get_by_label("How many").fill("2500")
    boss.press("Give credits")
    boss.says("Say why")
    boss.page.get_by_label("Why").fill("The outage of May")
    boss.press("Give credits")
    boss.says("2,500 of 2,500 left")


def change_plan(boss: Visitor) -> None:
    """Change the plan once its cost was seen, make what is paid for longer, and have it end with that."""
    boss.follow("Change plan")
    boss.page.get_by_label("Plan", exact=True).select_option(label="Premium, $50 a month")
    boss.press("See what it costs")
    boss.says("Due now")
    boss.screenshot("admin-change-plan-light")
    boss.press("Change to Premium")
    boss.says("The plan is changed.")
    boss.follow("Extend period")
    boss.page.get_by_label("Days more").fill("7")
    boss.page.get_by_label("Why").fill("The outage of May")
    boss.press("Extend the period")
    boss.says("The paid period runs until")
    boss.follow("Cancel")
    boss.page.get_by_label("When").select_option(label="When the period ends")
    boss.press("Cancel the subscription")
    boss.says("The subscription is cancelled.")


def suspend_and_take_back(boss: Visitor, ada: Visitor, key: str, server: Server) -> None:
    """Nothing is used while it is suspended, and its people read why.

    The last proof expires while the reason is typed; after another one the form goes on by itself.
    """
    boss.follow("Suspend")
    boss.press("Suspend")
    expect(boss.page.get_by_label("What its people are told")).to_have_attribute("aria-invalid", "true")
    boss.page.get_by_label("What its people are told").fill("Unpaid since May")
    server.forget_proof(STAFF[0])
    boss.press("Suspend")
    boss.prove(STAFF[1])
    boss.says("Suspended since")
    until_status(ada.base, key, 403)
    assert track(ada.base, key).json()["code"] == "organization_suspended"
    ada.go("/dashboard")
    expect(ada.page.locator("[data-suspended]")).to_contain_text("Unpaid since May")
    boss.screenshot("admin-organization-suspended-light")
    boss.follow("Reinstate")
    boss.says("Unpaid since May")
    boss.press("Reinstate")
    boss.says("may use what it bought again")
    until_status(ada.base, key, 200)


@pytest.mark.acts(
    f"{OF_WHOM}/notes",
    f"{OF_WHOM}/notes/{{note_id}}/remove",
    f"{OF_WHOM}/credits",
    f"{OF_WHOM}/plan/preview",
    f"{OF_WHOM}/plan",
    f"{OF_WHOM}/extend",
    f"{OF_WHOM}/cancel",
    f"{OF_WHOM}/suspend",
    f"{OF_WHOM}/reinstate",
    f"{OF_WHOM}/members/{{person_id}}/act-as",
    f"{OF_PERSON}/notes",
    f"{OF_PERSON}/notes/{{note_id}}/remove",
    f"{OF_PERSON}/log-out",
    "POST /login",
    "POST /logout",
    "POST /step-up",
    "POST /step-up/keep",
)
def test_staff_help_an_organization(visitors: Visitors, server: Server) -> None:
    ada, boss, email = visitors.new(), visitors.new(), fresh_email("helped")
    ada.sign_up(email)
    key = ada.create_key()
    ada.choose_plan("pro")
    ada.pay(GOOD_CARD)
    ada.wait_for_plan("Pro")

    boss.log_in(*STAFF)
    find(boss, email)
    note(boss)
    boss.follow("Ada Lovelace")
    home = boss.page.url.removeprefix(boss.base)
    boss.screenshot("admin-organization-story-light")
    note(boss)
    give_credits(boss, server)
    change_plan(boss)
    assert track(ada.base, key).json()["limit"] == PREMIUM_PROMPTS
    suspend_and_take_back(boss, ada, key, server)

    boss.follow(f"Act as {email}")
    boss.page.get_by_label("Why").fill("She asked for help with her keys")
    boss.press("Act as them")
    expect(boss.page.locator("[data-impersonation]")).to_contain_text("You act as Ada Lovelace")
    boss.go("/keys")
    expect(boss.page.get_by_role("button", name="Create key")).to_have_count(0)
    boss.screenshot("acting-as-light")
    boss.press("Stop and log out")
    boss.go(home)
    expect(boss.page.get_by_role("heading", name="Log in")).to_be_visible()

    boss.log_in(*STAFF)
    find(boss, email)
    boss.follow("Log out everywhere")
    boss.press("Log out everywhere")
    boss.says("Logged out in")
    ada.go("/dashboard")
    expect(ada.page.get_by_role("heading", name="Log in")).to_be_visible()
    ada.log_in(email)
    ada.go("/audit")
    told = ada.page.locator("details", has_text="She asked for help with her keys").first
    told.locator("summary").click()
    expect(told.get_by_text("She asked for help with her keys")).to_be_visible()
    with ada.page.expect_download() as fetched:
        ada.page.get_by_role("link", name="Export as CSV").click()
    assert "She asked for help with her keys" in fetched.value.path().read_text()
