"""Cards that do not pay: words a buyer understands, and an unchanged plan."""

import pytest
from playwright.sync_api import expect

from .people import GOOD_CARD, Visitors, fresh_email, track

DECLINED = "4000000000000002"
INSUFFICIENT_FUNDS = "4000000000009995"
NEEDS_3D_SECURE = "4000002500003155"


@pytest.mark.parametrize(
    ("card", "words"),
    [(DECLINED, "declined"), (INSUFFICIENT_FUNDS, "not enough money")],
    ids=["declined", "insufficient-funds"],
)
def test_a_refused_card_is_told_in_words_and_changes_nothing(visitors: Visitors, card: str, words: str) -> None:
    ada = visitors.new()
    ada.sign_up(fresh_email("refused"))
    key = ada.create_key()
    ada.choose_plan("pro")
    ada.pay(card)
    expect(ada.page.get_by_text(words).first).to_be_visible()
    assert not ada.page.url.startswith(ada.base)
    ada.screenshot(f"checkout-{words.replace(' ', '-')}-light")
    ada.go("/billing")
    expect(ada.page.locator("[data-plan-name]")).to_have_text("Free")
    assert track(ada.base, key).json()["limit"] == 1_000


def test_after_a_refused_card_another_one_pays(visitors: Visitors) -> None:
    ada = visitors.new()
    ada.sign_up(fresh_email("second"))
    ada.choose_plan("pro")
    ada.pay(DECLINED)
    expect(ada.page.get_by_text("declined").first).to_be_visible()
    ada.pay(GOOD_CARD)
    ada.wait_for_plan("Pro")


def test_a_failed_3d_secure_check_changes_nothing_and_a_passed_one_buys(visitors: Visitors) -> None:
    ada = visitors.new()
    ada.sign_up(fresh_email("secure"))
    ada.choose_plan("pro")
    ada.pay(NEEDS_3D_SECURE)
    expect(ada.page.get_by_role("heading", name="Confirm with your bank")).to_be_visible()
    ada.screenshot("checkout-3d-secure-light")
    ada.press("Fail authentication")
    expect(ada.page.get_by_text("could not confirm that it is you")).to_be_visible()
    ada.go("/billing")
    expect(ada.page.locator("[data-plan-name]")).to_have_text("Free")

    ada.choose_plan("pro")
    ada.pay(NEEDS_3D_SECURE)
    ada.press("Complete authentication")
    ada.wait_for_plan("Pro")


def test_leaving_the_payment_page_buys_nothing(visitors: Visitors) -> None:
    ada = visitors.new()
    ada.sign_up(fresh_email("left"))
    ada.choose_plan("premium")
    with ada.page.expect_navigation():
        ada.page.get_by_role("link", name="Cancel and go back").click()
    expect(ada.page.get_by_role("heading", name="Nothing was bought")).to_be_visible()
    ada.screenshot("checkout-cancelled-light")
    ada.go("/billing")
    expect(ada.page.locator("[data-plan-name]")).to_have_text("Free")
