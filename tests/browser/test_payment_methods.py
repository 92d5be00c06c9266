"""Ways to pay, and what stands above the pages while a payment is owed: light, dark and narrow."""

from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from twin_process import KEY

from .people import GOOD_CARD, Visitor, Visitors, fresh_email

OTHER_CARD = "5555555555554444"
LOOKS = [(False, False), (True, False), (False, True)]
NAMES = ["light", "dark", "narrow"]


def subscribed(visitor: Visitor, story: str) -> str:
    """Make a customer on Pro; returns where the provider is."""
    visitor.sign_up(fresh_email(story))
    visitor.choose_plan("pro")
    address = urlsplit(visitor.page.url)
    visitor.pay(GOOD_CARD)
    visitor.wait_for_plan("Pro")
    return f"{address.scheme}://{address.netloc}"


def fail_to_pay(provider: str, method: str) -> None:
    """Have a new period of the newest customer begin, which the card does not pay."""
    with httpx.Client(base_url=f"{provider}/v1", auth=(KEY, ""), trust_env=False) as client:

        def post(path: str, **data: str) -> str:
            answer = client.post(path, data=data)
            assert answer.is_success, answer.text
            return str(answer.json()["id"])

        customer = client.get("/customers?limit=1").json()["data"][0]["id"]
        subscription = client.get(f"/subscriptions?customer={customer}").json()["data"][0]["id"]
        card = post(f"/payment_methods/{method}/attach", customer=customer)
        anchor = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none"}
        post(f"/subscriptions/{subscription}", default_payment_method=card, **anchor)


def fits(visitor: Visitor) -> bool:
    return bool(visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize(("dark", "narrow"), LOOKS, ids=NAMES)
def test_a_card_is_added_and_takes_over(visitors: Visitors, *, dark: bool, narrow: bool) -> None:
    look = NAMES[LOOKS.index((dark, narrow))]
    ada = visitors.new(dark=dark, narrow=narrow)
    subscribed(ada, "cards")
    ada.go("/billing")
    ada.page.get_by_role("link", name="Payment methods").click()
    with ada.page.expect_navigation(url=lambda url: not url.startswith(ada.base)):
        ada.page.get_by_role("button", name="Add a payment method").click()
    ada.pay(OTHER_CARD)
    ada.go("/billing/payment-methods")
    expect(ada.page.locator("[data-method]")).to_have_count(2)
    ada.screenshot(f"payment-methods-{look}")
    assert fits(ada)
    ada.press("Make default Mastercard ending in 4444")
    expect(ada.page.locator("[data-method]").first).to_contain_text("Mastercard ending in 4444")
    ada.page.get_by_role("link", name="Remove Visa ending in 4242").click()
    ada.screenshot(f"payment-method-remove-{look}")
    ada.press("Remove it")
    expect(ada.page.locator("[data-method]")).to_have_count(1)
    ada.page.get_by_role("link", name="Remove Mastercard ending in 4444").click()
    ada.press("Remove it")
    expect(ada.page.get_by_text("A subscription is paid with this payment method")).to_be_visible()


@pytest.mark.parametrize(("dark", "narrow"), LOOKS, ids=NAMES)
def test_what_is_owed_is_told_with_a_button_to_pay_it(visitors: Visitors, *, dark: bool, narrow: bool) -> None:
    look = NAMES[LOOKS.index((dark, narrow))]
    ada = visitors.new(dark=dark, narrow=narrow)
    provider = subscribed(ada, "owing")
    fail_to_pay(provider, "pm_card_authenticationRequired" if narrow else "pm_card_chargeCustomerFail")
    button = ada.page.get_by_role("link", name="Confirm the payment" if narrow else "Pay now")
    ada.go("/dashboard")
    for _ in range(40):
        if button.count():
            break
        ada.page.wait_for_timeout(250)
        ada.page.reload()
    expect(button).to_be_visible()
    expect(ada.page.get_by_text("Pro can be used until")).to_be_visible()
    ada.screenshot(f"owed-{look}")
    assert fits(ada)
    ada.go("/billing")
    ada.screenshot(f"owed-billing-{look}")
    with ada.page.expect_navigation(url=lambda url: url.startswith(provider)):
        button.click()


@pytest.mark.parametrize(("dark", "narrow"), LOOKS, ids=NAMES)
def test_a_wrong_code_stands_beside_its_field_and_a_right_one_buys_cheaper(
    visitors: Visitors, *, dark: bool, narrow: bool
) -> None:
    look = NAMES[LOOKS.index((dark, narrow))]
    ada = visitors.new(dark=dark, narrow=narrow)
    ada.sign_up(fresh_email("codes"))
    ada.go("/billing")
    pro = ada.page.locator("[data-plan=pro]")
    pro.get_by_text("I have a promotion code").click()
    pro.get_by_label("Promotion code (optional)").fill("LUNCH")
    ada.press("Upgrade to Pro")
    expect(pro.get_by_text("There is no such code.")).to_be_visible()
    ada.screenshot(f"billing-code-refused-{look}")
    assert fits(ada)
    pro.get_by_label("Promotion code (optional)").fill("launch20")
    with ada.page.expect_navigation(url=lambda url: not url.startswith(ada.base)):
        pro.get_by_role("button", name="Upgrade to Pro").click()
    ada.pay(GOOD_CARD)
    ada.wait_for_plan("Pro")
    ada.go("/billing")
    expect(ada.page.locator("[data-discount]")).to_contain_text("Launch offer (LAUNCH20): 20 % off until")
    ada.screenshot(f"billing-discount-{look}")
    ada.page.goto(f"{ada.base}/billing/change?plan=premium&interval=year&promotion_code=launch20")
    expect(ada.page.get_by_role("row", name="Discount")).to_be_visible()
    ada.screenshot(f"billing-change-code-{look}")
    assert fits(ada)
