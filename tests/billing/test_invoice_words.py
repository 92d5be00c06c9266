"""Invoices in words: sums in their order, exact unit prices, settings that go together, fonts."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tollkeeper.billing.invoices import (
    Invoice,
    InvoiceDocument,
    Seller,
    UnusableFontError,
    check_font,
    print_invoice,
    sums,
    unit_price,
)
from tollkeeper.billing.provider import BilledTo, InvoiceLine, Tax, Term
from tollkeeper.infra import SettingsError, load_settings
from tollkeeper.kit import Money, new_id

AT = datetime(2026, 11, 1, tzinfo=UTC)


def line(**changes: Any) -> InvoiceLine:
    return InvoiceLine(**{**dict.fromkeys(InvoiceLine.__slots__[:7]), "description": "Pro", "amount": 2000, **changes})


def document(**changes: Any) -> InvoiceDocument:
    amounts = dict.fromkeys(("subtotal", "total", "amount_due", "amount_remaining"), 2000)
    amounts |= dict.fromkeys(("tax", "amount_paid", "discount_total", "starting_balance", "ending_balance"), 0)
    amounts |= dict.fromkeys(("credited_before_payment", "credited_after_payment"), 0)
    given = {name: changes.pop(name) for name in list(changes) if name in amounts}
    values: dict[str, Any] = dict.fromkeys(Invoice.__slots__)
    values |= {name: Money(amount, "eur") for name, amount in {**amounts, **given}.items()}
    values |= {"id": new_id(), "status": "open", "number": "A-1", "issued_at": AT, "lines": (line(),), "discounts": ()}
    values |= {"taxes": (), "billed_to": BilledTo("Ada"), **changes}
    return InvoiceDocument(Invoice(**values), (), {"txr_1": Term("txr_1", "VAT", "19", "Germany")})


def shown(found: InvoiceDocument) -> list[tuple[str, int]]:
    return [(row.label, row.amount.amount) for row in sums(found)]


def test_credit_is_used_and_what_is_left_over_is_added_to_it() -> None:
    used = document(starting_balance=-500, ending_balance=0, amount_due=1500, amount_remaining=1500)
    assert ("Credit used", -500) in shown(used)
    credit = document(subtotal=-300, total=-300, starting_balance=0, ending_balance=-300, amount_due=0)
    assert ("Added to the balance", 300) in shown(credit)
    owed = document(starting_balance=400, ending_balance=0, amount_due=2400)
    assert ("Earlier balance", 400) in shown(owed)


def test_only_what_money_came_for_is_a_receipt() -> None:
    assert document(status="paid", paid_at=AT, amount_paid=2000).is_receipt
    assert not document(status="paid", paid_at=AT, amount_paid=0).is_receipt, "credit covered it"
    assert not document(status="open", amount_paid=500).is_receipt


def test_tax_on_top_comes_before_the_total_and_tax_inside_after_it() -> None:
    on_top = Tax(380, 2000, inclusive=False, rate="txr_1", reason="standard_rated")
    assert shown(document(tax=380, total=2380, taxes=(on_top,)))[:4] == [
        ("Subtotal", 2000),
        ("Total without tax", 2000),
        ("VAT 19 % Germany", 380),
        ("Total", 2380),
    ]
    inside = Tax(319, 1681, inclusive=True, rate="txr_1", reason="standard_rated")
    assert shown(document(tax=319, taxes=(inside,)))[1:3] == [("Total", 2000), ("Included: VAT 19 % Germany", 319)]


@pytest.mark.parametrize(
    ("unit", "currency", "wanted"),
    [("2000", "eur", "20.00"), ("0.5", "usd", "0.005"), ("1500", "jpy", "1,500"), ("1234567", "kwd", "1,234.567")],
)
def test_unit_prices_are_exact(unit: str, currency: str, wanted: str) -> None:
    assert unit_price(line(unit_amount=unit), currency) == wanted


def test_a_print_has_no_time_of_its_own() -> None:
    found, seller = document(), Seller("Example", ("Weg 1",), "DE1", "a@example.com")
    assert print_invoice(found, seller) == print_invoice(found, seller)


def test_a_font_that_is_none_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "font.ttf"
    wrong.write_bytes(b"no font")
    with pytest.raises(UnusableFontError):
        check_font(wrong)


def test_own_rates_need_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TOLLKEEPER_TAX_RATES"):
        load_settings(tax="rates", data_dir=tmp_path)
    assert load_settings(tax="rates", tax_rates="txr_1, txr_2", data_dir=tmp_path).tax_rates == ["txr_1", "txr_2"]
