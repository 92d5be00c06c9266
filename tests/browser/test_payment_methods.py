"""Ways to pay, and what stands above the pages while a payment is owed: in every look."""

import pytest
from playwright.sync_api import expect

from .people import GOOD_CARD, Visitors, fresh_email
from .subscribing import at_provider, newest_customer, newest_subscription, subscribed

OTHER_CARD = "5555555555554444"


def fail_to_pay(provider: str, method: str) -> None:
    """Have a new period of the newest customer begin, which the card does not pay."""
    customer, subscription = newest_customer(provider), newest_subscription(provider)
    card = at_provider(provider, "POST", f"/payment_methods/{method}/attach", customer=customer)["id"]
    anchor = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none"}
    at_provider(provider, "POST", f"/subscriptions/{subscription}", default_payment_method=card, **anchor)


@pytest.mark.acts(
    "POST /billing/payment-methods",
    "POST /billing/payment-methods/{method_id}/default",
    "POST /billing/payment-methods/{method_id}/remove",
)
def test_a_card_is_added_and_takes_over(visitors: Visitors) -> None:
    ada = visitors.new(looked_at=True)
    subscribed(ada, "cards")
    ada.go("/billing")
    ada.page.get_by_role("link", name="Payment methods").click()
    with ada.page.expect_navigation(url=lambda url: not url.startswith(ada.base)):
        ada.page.get_by_role("button", name="Add a payment method").click()
    ada.pay(OTHER_CARD)
    ada.go("/billing/payment-methods")
    expect(ada.page.locator("[data-method]")).to_have_count(2)
    ada.look_at("payment-methods")
    ada.press("Make default Mastercard ending in 4444")
    expect(ada.page.locator("[data-method]").first).to_contain_text("Mastercard ending in 4444")
    ada.page.get_by_role("link", name="Remove Visa ending in 4242").click()
    ada.look_at("payment-method-remove")
    ada.press("Remove it")
    expect(ada.page.locator("[data-method]")).to_have_count(1)
    ada.page.get_by_role("link", name="Remove Mastercard ending in 4444").click()
    ada.press("Remove it")
    expect(ada.page.get_by_text("A subscription is paid with this payment method")).to_be_visible()


@pytest.mark.parametrize("confirmed", [False, True], ids=["failed", "to-be-confirmed"])
def test_what_is_owed_is_told_with_a_button_to_pay_it(visitors: Visitors, *, confirmed: bool) -> None:
    ada = visitors.new(looked_at=True)
    provider = subscribed(ada, "owing")
    fail_to_pay(provider, "pm_card_authenticationRequired" if confirmed else "pm_card_chargeCustomerFail")
    button = ada.page.get_by_role("link", name="Confirm the payment" if confirmed else "Pay now")
    ada.go("/dashboard")
    for _ in range(40):
        if button.count():
            break
        ada.page.wait_for_timeout(250)
        ada.page.reload()
    expect(button).to_be_visible()
    expect(ada.page.get_by_text("Pro can be used until")).to_be_visible()
    ada.look_at("owed")
    ada.go("/billing")
    ada.look_at("owed-billing")
    with ada.page.expect_navigation(url=lambda url: url.startswith(provider)):
        button.click()


def test_a_wrong_code_stands_beside_its_field_and_a_right_one_buys_cheaper(visitors: Visitors) -> None:
    ada = visitors.new(looked_at=True)
    ada.sign_up(fresh_email("codes"))
    ada.go("/billing")
    pro = ada.page.locator("[data-plan=pro]")
    pro.get_by_text("I have a promotion code").click()
    pro.get_by_label("Promotion code (optional)").fill("LUNCH")
    ada.press("Upgrade to Pro")
    expect(pro.get_by_text("There is no such code.")).to_be_visible()
    ada.look_at("billing-code-refused")
    pro.get_by_label("Promotion code (optional)").fill("launch20")
    with ada.page.expect_navigation(url=lambda url: not url.startswith(ada.base)):
        pro.get_by_role("button", name="Upgrade to Pro").click()
    ada.pay(GOOD_CARD)
    ada.wait_for_plan("Pro")
    ada.go("/billing")
    expect(ada.page.locator("[data-discount]")).to_contain_text("Launch offer (LAUNCH20): 20 % off until")
    ada.look_at("billing-discount")
    ada.page.goto(f"{ada.base}/billing/change?plan=premium&interval=year&promotion_code=launch20")
    expect(ada.page.get_by_role("row", name="Discount")).to_be_visible()
    ada.look_at("billing-change-code")
