"""What a paying customer does with the plan: change it, cancel it, think again, look at the provider's portal."""

import pytest
from playwright.sync_api import expect

from .people import GOOD_CARD, Visitor, Visitors, fresh_email, track


@pytest.fixture
def ada(visitors: Visitors) -> Visitor:
    """A customer on Pro."""
    ada = visitors.new()
    ada.sign_up(fresh_email("managing"))
    ada.choose_plan("pro")
    ada.pay(GOOD_CARD)
    ada.wait_for_plan("Pro")
    return ada


@pytest.mark.acts("POST /billing/change")
def test_a_change_shows_its_cost_first_and_counts_at_once(ada: Visitor) -> None:
    key = ada.create_key()
    ada.go("/billing")
    ada.page.get_by_role("link", name="Change to Premium").click()
    expect(ada.page.get_by_role("heading", name="Change to Premium")).to_be_visible()
    due = ada.page.get_by_role("row", name="Due now").get_by_role("cell").inner_text()
    # A whole month of Premium less the unused rest of Pro, a few seconds later: 30 dollars, give or take cents.
    assert 29.90 <= float(due.removeprefix("$")) <= 30.00
    ada.screenshot("billing-change-light")
    ada.press("Change plan")
    expect(ada.page.locator("[data-plan-name]")).to_have_text("Premium")
    assert track(ada.base, key).json()["limit"] == 250_000


@pytest.mark.acts("POST /billing/cancel", "POST /billing/resume")
def test_a_cancelled_plan_stays_until_its_end_and_can_be_kept_after_all(ada: Visitor) -> None:
    ada.go("/billing")
    ada.page.get_by_role("link", name="Cancel plan").click()
    expect(ada.page.get_by_role("heading", name="Cancel Pro?")).to_be_visible()
    ada.screenshot("billing-cancel-light")
    ada.press("Cancel plan")
    expect(ada.page.get_by_text("Ends soon")).to_be_visible()
    expect(ada.page.get_by_text("Pro ends on")).to_be_visible()
    ada.screenshot("billing-cancelled-light")
    ada.press("Keep Pro")
    expect(ada.page.get_by_text("Ends soon")).to_be_hidden()
    expect(ada.page.get_by_text("Renews")).to_be_visible()


@pytest.mark.acts("POST /billing/portal")
def test_the_providers_portal_is_a_button_away_and_leads_back(ada: Visitor) -> None:
    ada.go("/billing")
    with ada.page.expect_navigation(url=lambda url: not url.startswith(ada.base)):
        ada.page.get_by_role("button", name="Payment and invoices").click()
    ada.screenshot("portal-light")
    with ada.page.expect_navigation(url=lambda url: url.startswith(ada.base)):
        ada.page.get_by_role("link", name="Back to the shop").click()
    expect(ada.page.get_by_role("heading", name="Plan & billing")).to_be_visible()
