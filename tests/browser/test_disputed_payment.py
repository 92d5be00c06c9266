"""A payment whose bank takes it back: the customer sees where it stands."""

import pytest
from playwright.sync_api import expect

from .people import Visitors, fresh_email

DISPUTED = "4000000000000259"


@pytest.mark.parametrize(("dark", "narrow"), [(False, False), (True, True)], ids=["light", "dark-narrow"])
def test_the_invoice_tells_of_the_payment_and_its_dispute(visitors: Visitors, *, dark: bool, narrow: bool) -> None:
    ada = visitors.new(dark=dark, narrow=narrow)
    ada.sign_up(fresh_email("disputed"))
    ada.choose_plan("pro")
    ada.pay(DISPUTED)
    ada.wait_for_plan("Pro")
    ada.go("/billing")
    ada.page.locator("a[href^='/billing/invoices/']").first.click()
    row = ada.page.get_by_role("row").filter(has_text="Disputed at the bank")
    for _ in range(20):
        if row.count():
            break
        ada.page.wait_for_timeout(250)
        ada.page.reload()
    expect(row).to_contain_text("Not decided")
    expect(row).to_contain_text("Fraudulent")
    expect(ada.page.get_by_role("row").filter(has_text="Visa ending in 0259")).to_contain_text("Paid")
    wide = ada.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert wide, "nothing is wider than the screen"
    ada.screenshot(f"invoice-disputed-{'dark-narrow' if dark else 'light'}")
