"""Staff change what is sold by forms and by its file, look at each change first, and go back in the end."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from .people import GOOD_CARD, STAFF, Visitor, Visitors, fresh_email
from .test_staff_people import find

TRIAL_DAYS = 14
CATALOGUE = "POST /admin/catalogue"


def apply(boss: Visitor, why: str) -> None:
    """Apply what the page shows that would change."""
    boss.page.get_by_label("Why").fill(why)
    with boss.page.expect_navigation():
        boss.page.get_by_role("button", name=re.compile("^Apply as version")).click()
    boss.says(why)


def add_feature(boss: Visitor) -> None:
    boss.go("/admin/catalogue")
    boss.follow("Add a feature")
    boss.page.get_by_label("Key", exact=True).fill("exports")
    boss.page.get_by_label("Kind").select_option(label="Counted")
    boss.press("Show what changes")
    expect(boss.page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    boss.page.get_by_label("Name", exact=True).fill("Exports")
    boss.press("Show what changes")
    boss.says("feature exports")
    apply(boss, "People ask for exports")


def add_plan(boss: Visitor) -> None:
    """Add a plan that can be tried first."""
    boss.go("/admin/catalogue")
    boss.follow("Add a plan")
    boss.page.get_by_label("Key", exact=True).fill("team")
    boss.page.get_by_label("Name", exact=True).fill("Team")
    boss.page.get_by_label("A month, USD").fill("30")
    boss.page.get_by_label("A year, USD").fill("300")
    boss.page.get_by_label("Trial, days").fill(str(TRIAL_DAYS))
    boss.page.get_by_role("group", name="Prompts").get_by_label("Limit (optional)").fill("90,000")
    boss.press("Show what changes")
    boss.says("30.00 USD a month")
    boss.screenshot("admin-catalogue-preview-light")
    apply(boss, "For teams")


def try_it(visitors: Visitors) -> str:
    """Somebody begins a trial of the new plan; returns their address."""
    ada, email = visitors.new(), fresh_email("trying")
    ada.sign_up(email)
    ada.choose_plan("team")
    ada.pay(GOOD_CARD)
    ada.wait_for_plan("Team")
    return email


def extend_trial(boss: Visitor, email: str) -> None:
    find(boss, email)
    boss.follow("Ada Lovelace")
    boss.follow("Extend trial")
    boss.press("Extend the trial")
    boss.says("Choose a day")
    day = (datetime.now(UTC) + timedelta(days=3 * TRIAL_DAYS)).date()
    boss.page.get_by_label("New last day").fill(day.isoformat())
    boss.press("Extend the trial")
    boss.says(f"The trial runs until {day:%-d %b %Y}.")


def sell_no_more_and_rename(boss: Visitor) -> None:
    """Take an add-on off the shelf by its form, and rename a plan in the file."""
    boss.go("/admin/catalogue")
    boss.follow("Edit Extra prompts")
    boss.press("Sell it no more")
    boss.says("not sold any more")
    boss.press("Edit further as a file")
    file = boss.page.get_by_label("YAML")
    text = file.input_value()
    file.fill(text.replace("name: Premium", "nme: Best"))
    boss.press("Show what changes")
    expect(boss.page.get_by_role("alert")).to_contain_text("plans.premium.nme")
    file.fill(text.replace("name: Premium", "name: Best"))
    boss.press("Show what changes")
    expect(boss.page.get_by_role("group", name="Lines that would change")).to_contain_text("+    name: Best")
    apply(boss, "A better name")


@pytest.mark.acts(
    f"{CATALOGUE}/{{section}}/{{thing}}",
    f"{CATALOGUE}/{{section}}/{{thing}}/archive",
    f"{CATALOGUE}/file",
    f"{CATALOGUE}/preview",
    f"{CATALOGUE}/apply",
    "POST /admin/organizations/{organization_id}/trial",
)
def test_staff_change_what_is_sold_and_go_back(visitors: Visitors) -> None:
    boss = visitors.new()
    boss.log_in(*STAFF)
    boss.go("/admin/catalogue")
    before = boss.page.get_by_role("link", name=re.compile(r"^Version \d+$")).inner_text()
    add_feature(boss)
    add_plan(boss)
    extend_trial(boss, try_it(visitors))
    sell_no_more_and_rename(boss)

    boss.go("/admin/catalogue")
    expect(boss.page.get_by_role("link", name="Edit Best")).to_be_visible()
    boss.follow("Versions")
    boss.screenshot("admin-versions-light")
    boss.follow(before)
    boss.follow("Go back to this")
    apply(boss, "As it was")
    boss.go("/admin/catalogue")
    expect(boss.page.get_by_role("link", name="Edit Premium")).to_be_visible()
    expect(boss.page.get_by_role("link", name="Edit Extra prompts")).to_be_visible()
    expect(boss.page.get_by_role("link", name="Edit Team")).to_have_count(0)
    boss.says("Sold no more")
