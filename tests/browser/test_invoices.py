"""An invoice on its page and on paper; whom it is made out to."""

import io
import re

import pypdf
import pytest
from playwright.sync_api import expect

from .people import GOOD_CARD, Visitor, Visitors, fresh_email

ACTIVE_WITHIN_MS = 30_000


def say_who(visitor: Visitor) -> None:
    """Fill in billing details and a tax id."""
    visitor.go("/billing/details")
    visitor.page.get_by_label("Name").fill("Ada Łovelace GmbH")
    visitor.page.get_by_label("Street and number").fill("Weg 1")
    visitor.page.get_by_label("City").fill("Berlin")
    visitor.page.get_by_label("Country").fill("Germany")
    visitor.press("Save")
    expect(visitor.page.get_by_text("Enter the two letters of the country")).to_be_visible()
    visitor.page.get_by_label("Country").fill("de")
    visitor.press("Save")
    visitor.page.get_by_label("Number", exact=True).fill("nonsense")
    visitor.press("Add")
    expect(visitor.page.get_by_text("Invalid value for tax ID type.")).to_be_visible()
    visitor.page.get_by_label("Number", exact=True).fill("DE123456789")
    visitor.press("Add")
    expect(visitor.page.get_by_text("Verified")).to_be_visible()


def buy(visitor: Visitor) -> None:
    visitor.choose_plan("pro")
    visitor.pay(GOOD_CARD)
    expect(visitor.page.get_by_role("heading", name=re.compile("You are on"))).to_be_visible(timeout=ACTIVE_WITHIN_MS)


def test_the_pages_of_invoices_are_accessible_and_fit(visitors: Visitors) -> None:
    visitor = visitors.new(looked_at=True)
    visitor.sign_up(fresh_email("invoiced"))
    say_who(visitor)
    buy(visitor)
    visitor.go("/billing")
    invoice = visitor.page.get_by_role("link", name=re.compile("Open invoice")).get_attribute("href")
    assert invoice is not None
    for name, path in {"invoice": invoice, "billing-details": "/billing/details"}.items():
        visitor.go(path)
        visitor.look_at(name)


@pytest.mark.acts("POST /billing/details", "POST /billing/details/tax-ids", "POST /billing/details/tax-ids/remove")
def test_an_invoice_is_read_and_printed(visitors: Visitors) -> None:
    visitor = visitors.new()
    visitor.sign_up(fresh_email("printed"))
    say_who(visitor)
    buy(visitor)
    visitor.go("/billing")
    visitor.page.get_by_role("link", name=re.compile("Open invoice")).click()
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text("Paid")
    expect(visitor.page.get_by_text("VAT ID DE123456789")).to_be_visible()
    with visitor.page.expect_download() as waiting:
        visitor.page.get_by_role("link", name="Download receipt").click()
    download = waiting.value
    assert re.fullmatch(r"invoice-[A-Z0-9-]+\.pdf", download.suggested_filename)
    printed = pypdf.PdfReader(io.BytesIO(download.path().read_bytes())).pages[0].extract_text()
    assert "Ada Łovelace GmbH" in printed
    assert "20.00 USD" in printed
    assert "Invoice and receipt" in printed
    visitor.go("/billing/details")
    visitor.press("Remove DE123456789")
    expect(visitor.page.get_by_text("None yet.")).to_be_visible()
