"""Every page, light, dark and narrow: readable by everybody, nothing sticks out, nothing breaks the policy."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from .people import PASSWORD, ROOT, Visitor, Visitors, fresh_email, track

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PUBLIC = {
    "home": "/",
    "pricing": "/pricing",
    "pricing-yearly": "/pricing?interval=year",
    "login": "/login",
    "signup": "/signup",
    "reference": "/docs",
    "errors": "/docs/errors",
    "not-found": "/no/such/page",
}
PRIVATE = {
    "dashboard": "/dashboard",
    "usage": "/usage?span=7d",
    "keys": "/keys",
    "billing": "/billing",
    "payment-methods-none": "/billing/payment-methods",
    "cancelled": "/checkout/cancelled",
    "waiting": "/checkout/return?session_id=cs_unknown",
}


def violations(visitor: Visitor) -> list[tuple[str, Any]]:
    visitor.page.evaluate(Path(AXE).read_text())
    found = visitor.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [(each["id"], [node["target"] for node in each["nodes"]]) for each in found["violations"]]


def walk(visitor: Visitor, pages: dict[str, str], look: str) -> dict[str, Any]:
    """Open each page, keep a picture, and return what is wrong by page."""
    wrong: dict[str, Any] = {}
    for name, path in pages.items():
        visitor.go(path)
        visitor.screenshot(f"{name}-{look}")
        faults: list[Any] = violations(visitor)
        if visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append("wider than the window")
        if faults:
            wrong[name] = faults
    return wrong


def signed_up_with_usage(visitor: Visitor) -> None:
    visitor.sign_up(fresh_email("walker"))
    key = visitor.create_key("production server")
    assert track(visitor.base, key, 870).status_code == 200


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_public_pages_are_accessible_and_fit(visitors: Visitors, look: str) -> None:
    visitor = visitors.new(dark=look == "dark", narrow=look == "narrow", bypass_csp=True)
    assert walk(visitor, PUBLIC, look) == {}


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_a_customers_pages_are_accessible_and_fit(visitors: Visitors, look: str) -> None:
    visitor = visitors.new(dark=look == "dark", narrow=look == "narrow", bypass_csp=True)
    signed_up_with_usage(visitor)
    assert walk(visitor, PRIVATE, look) == {}


def test_no_page_breaks_its_policy(visitors: Visitors) -> None:
    # The fixture fails the test on any complaint of the browser; here the policy is in force.
    visitor = visitors.new()
    signed_up_with_usage(visitor)
    for path in [*PUBLIC.values(), *PRIVATE.values()]:
        visitor.go(path)
        visitor.page.wait_for_load_state("networkidle")


def test_the_theme_is_chosen_by_hand_and_kept(visitors: Visitors) -> None:
    visitor = visitors.new()
    visitor.go("/pricing")
    visitor.page.get_by_label("Colour theme").click()
    visitor.page.get_by_role("button", name="Dark").click()
    expect(visitor.page.locator("html")).to_have_attribute("data-theme", "dark")
    visitor.go("/docs/errors")
    expect(visitor.page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_keyboard_reaches_the_content_and_the_form(visitors: Visitors) -> None:
    visitor = visitors.new()
    visitor.go("/login")
    visitor.page.keyboard.press("Tab")
    skip = visitor.page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    visitor.page.get_by_label("E-mail").focus()
    visitor.page.keyboard.type("nobody@example.com")
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.get_by_label("Password")).to_be_focused()
    visitor.page.keyboard.type("wrong password")
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    expect(visitor.page.get_by_label("E-mail")).to_have_value("nobody@example.com")
    expect(visitor.page.get_by_label("Password")).to_have_value("")


def test_sign_up_mistakes_stand_beside_their_fields(visitors: Visitors) -> None:
    visitor = visitors.new()
    visitor.go("/signup")
    visitor.page.get_by_label("Name").fill("Ada")
    visitor.page.get_by_label("E-mail").fill("ada@")
    visitor.page.get_by_label("Password").fill("short")
    visitor.press("Create account")
    for label in ("E-mail", "Password"):
        field = visitor.page.get_by_label(label)
        expect(field).to_have_attribute("aria-invalid", "true")
        note = field.get_attribute("aria-describedby")
        expect(visitor.page.locator(f"#{note}")).not_to_be_empty()
    expect(visitor.page.get_by_label("Name")).to_have_value("Ada")
    visitor.screenshot("signup-mistakes-light")


def test_a_page_asked_for_before_logging_in_is_shown_after_it(visitors: Visitors) -> None:
    email = fresh_email("back")
    visitor = visitors.new()
    visitor.sign_up(email)
    visitor.press("Log out")
    visitor.go("/usage?span=24h")
    assert "/login?next=" in visitor.page.url
    visitor.page.get_by_label("E-mail").fill(email)
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.press("Log in")
    assert visitor.page.url == f"{visitor.base}/usage?span=24h"


def test_a_newcomer_looks_around_with_one_press(visitors: Visitors) -> None:
    visitor = visitors.new()
    visitor.go("/login")
    visitor.press("Log in as demo")
    expect(visitor.page.get_by_role("heading", name="Overview")).to_be_visible()
