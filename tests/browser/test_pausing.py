"""Pausing, going on, coming back and a code on a plan that runs: in every look, without scripts, by keyboard."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from twin_process import KEY

from .people import GOOD_CARD, PASSWORD, Visitor, Visitors, fresh_email
from .test_every_page import violations

LOOKS = [(False, False), (True, False), (False, True)]
NAMES = ["light", "dark", "narrow"]
ENTER = "Enter"


def subscribed(visitor: Visitor, story: str) -> str:
    """Make a customer on Pro; returns where the provider is."""
    visitor.sign_up(fresh_email(story))
    visitor.choose_plan("pro")
    address = urlsplit(visitor.page.url)
    visitor.pay(GOOD_CARD)
    visitor.wait_for_plan("Pro")
    return f"{address.scheme}://{address.netloc}"


def at_provider(provider: str, method: str, path: str, **data: str) -> dict[str, str]:
    with httpx.Client(base_url=f"{provider}/v1", auth=(KEY, ""), trust_env=False) as client:
        answer = client.request(method, path, data=data if method == "POST" else None)
        assert answer.is_success, answer.text
        found: dict[str, str] = answer.json()
        return found


def newest_subscription(provider: str) -> str:
    with httpx.Client(base_url=f"{provider}/v1", auth=(KEY, ""), trust_env=False) as client:
        customer = client.get("/customers?limit=1").json()["data"][0]["id"]
        return str(client.get(f"/subscriptions?customer={customer}").json()["data"][0]["id"])


def until_seen(visitor: Visitor, path: str, text: str) -> None:
    """Open a page until it says so: the provider's word takes a moment."""
    visitor.go(path)
    for _ in range(40):
        if visitor.page.get_by_text(text).count():
            break
        visitor.page.wait_for_timeout(250)
        visitor.page.reload()
    expect(visitor.page.get_by_text(text).first).to_be_visible()


def look_at(visitor: Visitor, name: str, look: str) -> None:
    """Keep a picture; everybody can read the page, and nothing sticks out."""
    visitor.screenshot(f"{name}-{look}")
    assert violations(visitor) == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("dark", "narrow"), LOOKS, ids=NAMES)
def test_a_plan_rests_and_goes_on(visitors: Visitors, *, dark: bool, narrow: bool) -> None:
    look = NAMES[LOOKS.index((dark, narrow))]
    ada = visitors.new(dark=dark, narrow=narrow, bypass_csp=True)
    provider = subscribed(ada, "resting")
    ada.go("/billing")
    ada.page.get_by_role("link", name="Pause").click()
    expect(ada.page.get_by_role("heading", name="Pause Pro?")).to_be_visible()
    look_at(ada, "pause", look)
    day = (datetime.now(UTC) + timedelta(days=20)).date()
    ada.page.get_by_label("Goes on by itself on").fill(day.isoformat())
    ada.press("Pause Pro")
    expect(ada.page.get_by_text(f"Pro is paused until {day:%-d %b %Y}")).to_be_visible()
    look_at(ada, "paused", look)
    ada.go("/dashboard")
    expect(ada.page.get_by_text(f"Pro is paused until {day:%-d %b %Y}")).to_be_visible()
    look_at(ada, "paused-dashboard", look)
    ada.go("/billing")
    ada.page.get_by_role("link", name="Go on with Pro").click()
    expect(ada.page.get_by_role("row", name="Due now")).to_contain_text("$0.00")
    look_at(ada, "unpause-free", look)
    subscription = newest_subscription(provider)
    anew = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none", "payment_behavior": "default_incomplete"}
    made = at_provider(provider, "POST", f"/subscriptions/{subscription}", **anew)
    at_provider(provider, "POST", f"/invoices/{made['latest_invoice']}/void")
    ada.page.reload()
    expect(ada.page.get_by_role("row", name="Due now")).to_contain_text("$20.00")
    look_at(ada, "unpause-paid", look)
    ada.press("Pay $20.00 and go on")
    expect(ada.page.get_by_text("$20 a month. Renews")).to_be_visible()
    expect(ada.page.get_by_role("link", name="Pause")).to_be_visible()


@pytest.mark.parametrize(("dark", "narrow"), LOOKS, ids=NAMES)
def test_somebody_comes_back_after_the_end(visitors: Visitors, *, dark: bool, narrow: bool) -> None:
    look = NAMES[LOOKS.index((dark, narrow))]
    ada = visitors.new(dark=dark, narrow=narrow, bypass_csp=True)
    provider = subscribed(ada, "returning")
    at_provider(provider, "DELETE", f"/subscriptions/{newest_subscription(provider)}")
    until_seen(ada, "/billing", "Come back to Pro")
    look_at(ada, "ended", look)
    ada.page.get_by_role("link", name="Come back to Pro").click()
    expect(ada.page.get_by_role("row", name="Due now")).to_contain_text("$20.00")
    look_at(ada, "come-back", look)
    ada.press("Pay $20.00 and come back")
    expect(ada.page.get_by_text("$20 a month. Renews")).to_be_visible()


@pytest.mark.parametrize(("dark", "narrow"), LOOKS, ids=NAMES)
def test_a_code_lowers_a_plan_that_runs(visitors: Visitors, *, dark: bool, narrow: bool) -> None:
    look = NAMES[LOOKS.index((dark, narrow))]
    ada = visitors.new(dark=dark, narrow=narrow, bypass_csp=True)
    subscribed(ada, "coding")
    ada.go("/billing")
    ada.page.get_by_text("I have a promotion code").click()
    ada.page.get_by_label("Promotion code").fill("LUNCH")
    ada.page.get_by_label("Promotion code").press(ENTER)
    expect(ada.page.get_by_text("There is no such code.")).to_be_visible()
    look_at(ada, "running-code-refused", look)
    ada.page.get_by_label("Promotion code").fill("launch20")
    ada.page.get_by_label("Promotion code").press(ENTER)
    expect(ada.page.get_by_role("row", name="Next invoice")).to_contain_text("$16.00")
    look_at(ada, "running-code", look)
    ada.press("Use the code")
    expect(ada.page.locator("[data-discount]")).to_contain_text("Launch offer (LAUNCH20): 20 % off until")
    look_at(ada, "running-discount", look)
    ada.page.get_by_role("link", name="Remove the discount").click()
    expect(ada.page.get_by_role("row", name="Next invoice")).to_contain_text("$20.00")
    look_at(ada, "running-code-remove", look)
    ada.press("Remove it")
    expect(ada.page.locator("[data-discount]")).to_have_count(0)


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
