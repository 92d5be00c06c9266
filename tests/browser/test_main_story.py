"""The main job as a person does it: sign up, get a key, use up the free plan, buy Pro, go on."""

from typing import Any

import pytest
from playwright.sync_api import expect

from .people import GOOD_CARD, Visitors, fresh_email, track

FREE_PROMPTS = 1_000
PRO_PROMPTS = 50_000


def use_up(base: str, key: str) -> None:
    """Use the free plan's prompts, in one large bite and then one by one, as a program would."""
    assert track(base, key, FREE_PROMPTS - 10).status_code == 200
    for _ in range(10):
        assert track(base, key).status_code == 200


@pytest.mark.acts("POST /signup", "POST /keys", "POST /billing/checkout")
def test_from_sign_up_to_upgraded_and_unblocked(visitors: Visitors) -> None:
    ada = visitors.new()
    ada.go("/")
    ada.screenshot("home-light")
    ada.sign_up(fresh_email("main"))
    expect(ada.page.get_by_role("heading", name="Overview")).to_be_visible()
    ada.screenshot("dashboard-new-light")

    key = ada.create_key("production server")
    ada.screenshot("keys-created-light")
    use_up(ada.base, key)
    refused = track(ada.base, key)
    assert refused.status_code == 402
    problem: dict[str, Any] = refused.json()
    assert problem["code"] == "quota_exceeded"
    assert (problem["used"], problem["limit"]) == (FREE_PROMPTS, FREE_PROMPTS)
    assert problem["upgrade"]["plan"] == "pro"

    ada.go("/dashboard")
    expect(ada.page.get_by_text("All 1,000 prompts of this period are used")).to_be_visible()
    expect(ada.page.locator("canvas")).to_be_visible()
    ada.screenshot("dashboard-limit-light")

    ada.go(problem["upgrade"]["url"])
    expect(ada.page.get_by_role("heading", name="Plan & billing")).to_be_visible()
    ada.choose_plan("pro")
    ada.screenshot("checkout-light")
    ada.pay(GOOD_CARD)
    ada.wait_for_plan("Pro")
    ada.screenshot("checkout-done-light")

    passed = track(ada.base, key)
    assert passed.status_code == 200
    assert passed.json()["limit"] == PRO_PROMPTS
    assert passed.json()["remaining"] == PRO_PROMPTS - passed.json()["used"]

    ada.go("/usage?feature=prompts&span=24h")
    expect(ada.page.get_by_text("of 50,000")).to_be_visible()
    expect(ada.page.get_by_text("1,001", exact=True).first).to_be_visible()
    ada.screenshot("usage-light")

    ada.go("/billing")
    expect(ada.page.locator("[data-plan-name]")).to_have_text("Pro")
    expect(ada.page.get_by_role("cell", name="$20.00", exact=True)).to_be_visible()
    ada.screenshot("billing-pro-light")


@pytest.mark.acts("POST /signup", "POST /keys", "POST /billing/checkout", "POST /billing/cancel", scripts=False)
def test_the_same_without_javascript(visitors: Visitors) -> None:
    grace = visitors.new(scripts=False)
    grace.sign_up(fresh_email("noscript"))
    key = grace.create_key("server")
    use_up(grace.base, key)
    assert track(grace.base, key).status_code == 402
    grace.choose_plan("pro")
    grace.pay(GOOD_CARD)
    for _ in range(30):
        if grace.page.locator("#checkout-state").get_attribute("data-state") == "done":
            break
        grace.page.wait_for_timeout(500)
        with grace.page.expect_navigation():
            grace.page.get_by_role("link", name="Check again").click()
    expect(grace.page.get_by_role("heading", level=1)).to_contain_text("Pro")
    assert track(grace.base, key).status_code == 200
    grace.go("/usage?feature=prompts&span=24h")
    grace.page.get_by_text("Show as a table").click()
    expect(grace.page.get_by_role("cell", name="1,001")).to_be_visible()
    grace.go("/keys")
    grace.page.get_by_role("radio", name="JavaScript").check()
    expect(grace.page.locator("#quick-call-javascript")).to_be_visible()
    grace.go("/billing")
    grace.page.get_by_role("link", name="Cancel plan").click()
    grace.press("Cancel plan")
    expect(grace.page.get_by_text("Ends soon")).to_be_visible()


@pytest.mark.acts("POST /keys/{key_id}/revoke")
def test_a_revoked_key_stops_working_and_the_dialog_asks_first(visitors: Visitors) -> None:
    ada = visitors.new()
    ada.sign_up(fresh_email("revoke"))
    key = ada.create_key("lost laptop")
    assert track(ada.base, key).status_code == 200
    ada.go("/keys")
    ada.page.get_by_role("link", name="Revoke lost laptop").click()
    dialog = ada.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    ada.screenshot("keys-revoke-dialog-light")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    ada.page.get_by_role("link", name="Revoke lost laptop").click()
    with ada.page.expect_navigation():
        dialog.get_by_role("button", name="Revoke key").click()
    expect(ada.page.get_by_text("Revoked", exact=True)).to_be_visible()
    assert track(ada.base, key).status_code == 401
