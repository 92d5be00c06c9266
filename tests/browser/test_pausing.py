"""Pausing, going on, coming back and a code on a plan that runs: in every look, without scripts, by keyboard."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from .people import PASSWORD, Visitors
from .subscribing import at_provider, newest_subscription, subscribed, until_seen

ENTER = "Enter"
PATIENCE_SECONDS = 45


@pytest.mark.acts("POST /billing/pause", "POST /billing/unpause")
def test_a_plan_rests_and_goes_on(visitors: Visitors) -> None:
    ada = visitors.new(looked_at=True)
    provider = subscribed(ada, "resting")
    ada.go("/billing")
    ada.page.get_by_role("link", name="Pause").click()
    expect(ada.page.get_by_role("heading", name="Pause Pro?")).to_be_visible()
    ada.look_at("pause")
    day = (datetime.now(UTC) + timedelta(days=20)).date()
    ada.page.get_by_label("Goes on by itself on").fill(day.isoformat())
    ada.press("Pause Pro")
    expect(ada.page.get_by_text(f"Pro is paused until {day:%-d %b %Y}")).to_be_visible()
    ada.look_at("paused")
    ada.go("/dashboard")
    expect(ada.page.get_by_text(f"Pro is paused until {day:%-d %b %Y}")).to_be_visible()
    ada.look_at("paused-dashboard")
    ada.go("/billing")
    ada.page.get_by_role("link", name="Go on with Pro").click()
    expect(ada.page.get_by_role("row", name="Due now")).to_contain_text("$0.00")
    ada.look_at("unpause-free")
    subscription = newest_subscription(provider)
    anew = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none", "payment_behavior": "default_incomplete"}
    made = at_provider(provider, "POST", f"/subscriptions/{subscription}", **anew)
    at_provider(provider, "POST", f"/invoices/{made['latest_invoice']}/void")
    ada.page.reload()
    expect(ada.page.get_by_role("row", name="Due now")).to_contain_text("$20.00")
    ada.look_at("unpause-paid")
    ada.press("Pay $20.00 and go on")
    expect(ada.page.get_by_text("$20 a month. Renews")).to_be_visible()
    expect(ada.page.get_by_role("link", name="Pause")).to_be_visible()


@pytest.mark.acts("POST /billing/reactivate")
def test_somebody_comes_back_after_the_end(visitors: Visitors) -> None:
    ada = visitors.new(looked_at=True)
    provider = subscribed(ada, "returning")
    at_provider(provider, "DELETE", f"/subscriptions/{newest_subscription(provider)}")
    until_seen(ada, "/billing", "Come back to Pro")
    ada.look_at("ended")
    ada.page.get_by_role("link", name="Come back to Pro").click()
    expect(ada.page.get_by_role("row", name="Due now")).to_contain_text("$20.00")
    ada.look_at("come-back")
    ada.press("Pay $20.00 and come back")
    expect(ada.page.get_by_text("$20 a month. Renews")).to_be_visible()


@pytest.mark.acts("POST /billing/promotion", "POST /billing/promotion/remove")
def test_a_code_lowers_a_plan_that_runs(visitors: Visitors) -> None:
    ada = visitors.new(looked_at=True)
    subscribed(ada, "coding")
    ada.go("/billing")
    ada.page.get_by_text("I have a promotion code").click()
    ada.page.get_by_label("Promotion code").fill("LUNCH")
    ada.page.get_by_label("Promotion code").press(ENTER)
    expect(ada.page.get_by_text("There is no such code.")).to_be_visible()
    ada.look_at("running-code-refused")
    ada.page.get_by_label("Promotion code").fill("launch20")
    ada.page.get_by_label("Promotion code").press(ENTER)
    expect(ada.page.get_by_role("row", name="Next invoice")).to_contain_text("$16.00")
    ada.look_at("running-code")
    ada.press("Use the code")
    expect(ada.page.locator("[data-discount]")).to_contain_text("Launch offer (LAUNCH20): 20 % off until")
    ada.look_at("running-discount")
    ada.page.get_by_role("link", name="Remove the discount").click()
    expect(ada.page.get_by_role("row", name="Next invoice")).to_contain_text("$20.00")
    ada.look_at("running-code-remove")
    ada.press("Remove it")
    expect(ada.page.locator("[data-discount]")).to_have_count(0)


@pytest.mark.acts("POST /billing/pause", "POST /billing/unpause", scripts=False)
def test_it_needs_neither_scripts_nor_a_mouse(visitors: Visitors) -> None:
    ada = visitors.new()
    subscribed(ada, "keyboard")
    ada.go("/dashboard")
    email = ada.page.get_by_text("keyboard-").first.inner_text()
    plain = visitors.new(scripts=False)
    plain.go("/login?next=/billing")
    plain.page.get_by_label("E-mail").fill(email)
    plain.page.get_by_label("Password").fill(PASSWORD)
    plain.page.get_by_label("Password").press(ENTER)
    plain.page.get_by_role("link", name="Pause").press(ENTER)
    plain.page.get_by_label("Goes on by itself on").press(ENTER)
    expect(plain.page.get_by_text("Pro is paused until")).to_be_visible()
    plain.page.get_by_role("link", name="Go on with Pro").press(ENTER)
    plain.page.get_by_role("button", name="Go on").press(ENTER)
    expect(plain.page.get_by_text("$20 a month. Renews")).to_be_visible()
