"""Staff look after money: they give some back, answer banks, deal with what is owed, and have a webhook replayed."""

import re

import pytest

from .people import STAFF, Visitor, Visitors
from .subscribing import at_provider, newest_subscription, subscribed, until_seen
from .test_payment_methods import fail_to_pay

SHOP = "Moneypenny's"
INVOICE = "POST /admin/invoices/{invoice_id}"
DISPUTE = "POST /admin/disputes/{dispute_id}"
CASE = "POST /admin/dunning/{case_id}"
DISPUTED = 2


def pay_disputed(provider: str) -> None:
    """Have the newest customer pay twice, which their bank takes back."""
    customer = at_provider(provider, "GET", f"/subscriptions/{newest_subscription(provider)}")["customer"]
    for _ in range(DISPUTED):
        card = at_provider(provider, "POST", "/payment_methods/pm_card_createDispute/attach", customer=customer)["id"]
        wish = {"amount": "2000", "currency": "usd", "confirm": "true", "off_session": "true"}
        at_provider(provider, "POST", "/payment_intents", customer=customer, payment_method=card, **wish)


def give_back(boss: Visitor) -> None:
    """Give some of what was paid back, and say on paper that the invoice asked too much."""
    boss.go("/admin/search?q=" + SHOP)
    with boss.page.expect_navigation():
        boss.page.get_by_role("link", name=re.compile(f"^{SHOP}")).click()
    with boss.page.expect_navigation():
        boss.page.get_by_role("link", name=re.compile("^Refund")).click()
    boss.page.get_by_label("Amount, USD").fill("5000")
    boss.press("Give it back")
    boss.says("is left")
    boss.page.get_by_label("Amount, USD").fill("5.00")
    boss.screenshot("admin-refund-light")
    boss.press("Give it back")
    boss.says("$5.00 is on its way back.")
    boss.follow("Credit")
    boss.page.get_by_label("Amount, USD").fill("2")
    boss.page.get_by_label("Where it goes").select_option(label="Off the next invoices")
    boss.press("Issue the credit note")
    boss.says("Credit note")


def answer_the_bank(boss: Visitor) -> None:
    """Fight one dispute and give in to the other."""
    link = boss.page.get_by_role("link", name=f"Answer the dispute of {SHOP}")
    for _ in range(40):
        boss.go("/admin/disputes?state=waiting")
        if link.count() == DISPUTED:
            break
        boss.page.wait_for_timeout(250)
    boss.follow(f"Answer the dispute of {SHOP}")
    boss.page.get_by_label("Your answer").fill("They <b>used</b> it")
    boss.page.get_by_label("Write it from what was used").check()
    boss.press("Keep")
    boss.says("Kept. Nothing was sent to the bank yet.")
    boss.says("They <b>used</b> it")
    boss.screenshot("admin-dispute-light")
    boss.press("Let go of the plan")
    boss.says("The plan may be used again.")
    boss.press("Send all of it to the bank")
    boss.says("The evidence is with the bank now.")
    boss.go("/admin/disputes?state=waiting")
    boss.follow(f"Answer the dispute of {SHOP}")
    boss.follow("Give in")
    boss.press("Give in")
    boss.says("Given in. The dispute is lost.")


def deal_with_what_is_owed(boss: Visitor) -> None:
    """Try again, give more time, and in the end give up."""
    until_seen(boss, "/admin/dunning", SHOP)
    boss.press(f"Retry now {SHOP}")
    boss.says("Not collected")
    boss.follow(f"More time for {SHOP}")
    boss.page.get_by_label("Days").fill("7")
    boss.press("Give more time")
    boss.says("Every further step comes 7 days later.")
    boss.screenshot("admin-dunning-light")
    boss.follow(f"Give up on {SHOP}")
    boss.press("End the subscription")
    boss.says("The subscription has ended.")


def replay(boss: Visitor) -> None:
    """Look for what the provider told of customers, and have it worked off again."""
    boss.go("/admin/webhooks")
    with boss.page.expect_navigation():
        boss.page.get_by_label("About").select_option(label="customer")
    with boss.page.expect_navigation():
        boss.page.locator("a[href^='/admin/webhooks/']").first.click()
    boss.says("Received")
    boss.screenshot("admin-webhook-light")
    boss.follow("Replay")
    boss.press("Replay")
    boss.go("/admin/trail?area=webhook.")
    boss.says("A webhook was worked off again")


@pytest.mark.acts(
    f"{INVOICE}/refund",
    f"{INVOICE}/credit",
    DISPUTE,
    f"{DISPUTE}/release",
    f"{DISPUTE}/accept",
    f"{CASE}/retry",
    f"{CASE}/extend",
    f"{CASE}/give-up",
    "POST /admin/webhooks/{event_id}/replay",
    "POST /team/name",
)
def test_staff_look_after_money(visitors: Visitors) -> None:
    ada, boss = visitors.new(), visitors.new()
    provider = subscribed(ada, "money")
    ada.go("/team")
    ada.page.get_by_label("Name", exact=True).fill(SHOP)
    ada.press("Rename")
    pay_disputed(provider)

    boss.log_in(*STAFF)
    give_back(boss)
    answer_the_bank(boss)
    fail_to_pay(provider, "pm_card_chargeCustomerFail")
    deal_with_what_is_owed(boss)
    replay(boss)
